type Gone = { a: number };
type GoneToo = Gone & { b: number };


export function thrower(value: GoneToo): never {
  const inner = (): never => {
    throw new TypeError(`mapped ${String(value)}`);
  };
  return inner();
}
