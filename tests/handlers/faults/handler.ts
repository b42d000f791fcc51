const actions: Record<string, () => unknown> = {
  fine: () => process.pid,
  throw: () => {
    throw new Error("thrown");
  },
  exit: () => process.exit(3),
  bomb: () => {
    const all: number[][] = [];
    for (;;) all.push(new Array(100_000).fill(0).map((_, index) => index + 0.5));
  },
  buffers: () => {
    const all: Uint8Array[] = [];
    for (;;) all.push(new Uint8Array(10_000_000).fill(1));
  },
  loop: () => {
    for (;;);
  },
  wait: () => new Promise((resolve) => setTimeout(resolve, 600_000)),
  slow: () => new Promise((resolve) => setTimeout(() => resolve(process.pid), 300)),
};

export const handler = (event: any) => actions[event.body ?? "fine"]();
