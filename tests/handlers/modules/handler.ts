import { twice } from "./lib/math";
import greet, { LANGUAGE } from "./lib/deep/greet.ts";
import { fromPlain } from "./plain.js";

export const handler = async () => {
  const lazy = await import("./lib/lazy");
  return { number: twice(21), text: greet("you"), language: LANGUAGE, plain: fromPlain, lazy: lazy.default };
};
