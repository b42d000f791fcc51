import compiled from "./add.wasm";

// (module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
const code = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 7, 7, 1, 3, 97, 100, 100, 0, 0, 10, 9, 1, 7, 0, 32,
  0, 32, 1, 106, 11,
]);
const atLoad = new WebAssembly.Instance(new WebAssembly.Module(code));

export const handler = async (event: any) => {
  const { instance } = await WebAssembly.instantiate(code) as any;
  const add = instance.exports.add as (a: number, b: number) => number;
  let sum = 0;
  for (let index = 0; index < 200_000; index++) sum = add(sum, 1);
  const imported = new WebAssembly.Instance(compiled).exports as any;
  return { sum, atLoad: (atLoad.exports as any).add(20, 22), imported: imported.add(1, 2) };
};
