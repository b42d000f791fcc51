const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export const handler = async (event: any) => {
  const order: number[] = [];
  await Promise.all([30, 10, 20].map(async (ms) => {
    await pause(ms);
    order.push(ms);
  }));
  return { order };
};
