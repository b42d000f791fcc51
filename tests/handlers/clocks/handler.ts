const origin = performance.timeOrigin;

export const handler = () => ({
  pid: process.pid,
  unixMs: Date.now(),
  otherMs: origin + performance.now(),
  monotonicMs: performance.now(),
});
