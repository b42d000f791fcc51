import type { Unused } from "./types.ts";
import { Shape } from "./shapes";

enum Colour {
  Red,
  Green = "green",
  Blue = 4,
}

const enum Size {
  Small = 1,
  Large,
}

namespace Geometry {
  export const sides = (shape: Shape): number => (shape === Shape.Square ? 4 : 3);
}

const calls: string[] = [];

function recorded(_target: unknown, name: string, descriptor: PropertyDescriptor) {
  const original = descriptor.value;
  descriptor.value = function (...args: unknown[]) {
    calls.push(name);
    return original.apply(this, args);
  };
}

abstract class Base<T> {
  constructor(protected readonly value: T, public label?: string) {}
  abstract run(): T;
}

class Doubler extends Base<number> {
  #secret = 2;

  @recorded
  override run(): number {
    return this.value * this.#secret;
  }
}

export const handler = async (event: { body: unknown }): Promise<object> => ({
  colours: [Colour.Red, Colour.Green, Colour[4]],
  size: Size.Large,
  sides: Geometry.sides(Shape.Square),
  doubled: new Doubler(21, "x").run(),
  label: new Doubler(1, "y").label,
  calls,
  cast: <number> (event.body as any)!.count satisfies number,
  generic: ((value: Unused): Unused => value)({ a: 1 }),
});
