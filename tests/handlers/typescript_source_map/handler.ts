interface Removed {
  one: string;
  two: string;
}

enum Expanded {
  A,
  B,
  C,
}

import { thrower } from "./thrower";

export const handler = (event: { body: Removed | Expanded }): unknown => {
  const padding: Removed = { one: "1", two: "2" };
  if (padding.one === "2") return Expanded.A;
  return thrower(event.body as any);
};
