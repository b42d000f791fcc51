export const handler = async () => {
  const order: string[] = [];
  let ticks = 0;
  await new Promise<void>((resolve) => {
    const interval = setInterval(() => {
      if (++ticks === 3) {
        clearInterval(interval);
        resolve();
      }
    }, 2);
  });
  const cancelled = setTimeout(() => order.push("cancelled"), 1);
  clearTimeout(cancelled);
  const started = performance.now();
  await Promise.all([
    new Promise<void>((resolve) => setTimeout(() => resolve(void order.push("timeout")), 10)),
    Promise.resolve().then(() => order.push("microtask")),
  ]);
  return { ticks, order, waited: performance.now() - started >= 9 };
};
