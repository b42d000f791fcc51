import { fail } from "./lib/deep";

class OrderError extends Error {
  override name = "OrderError";
}

type Kinds = "own" | "custom" | "deep" | "cause" | "builtin" | "text";

const failures: Record<Kinds, (event: any) => unknown> = {
  own: () => {
    throw new Error("own");
  },
  custom: () => {
    throw new OrderError("custom ☃");
  },
  deep: () => fail(),
  cause: () => {
    try {
      fail();
    } catch (error) {
      throw new Error("outer", { cause: error });
    }
  },
  builtin: (event) => event.body.missing.member,
  text: () => {
    throw new Error("x".repeat(1_000_000));
  },
};

export const handler = async (event: any, context: any) => {
  return failures[event.body as Kinds](event);
};
