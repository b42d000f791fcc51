const deep = (depth: number): number => deep(depth + 1) + 1;

export const handler = (event: any) => (event.body === "deep" ? deep(0) : "fine");
