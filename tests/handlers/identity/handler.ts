let served = 0;

export const handler = async (event: any) => {
  served += 1;
  if (event.body?.ms) await new Promise((resolve) => setTimeout(resolve, event.body.ms));
  return { pid: process.pid, served };
};
