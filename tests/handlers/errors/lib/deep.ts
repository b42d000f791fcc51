// A type that is gone after the transpilation, so that lines move.
interface Ignored {
  name: string;
}

export function fail(_ignored?: Ignored): never {
  throw new RangeError("from the depth");
}
