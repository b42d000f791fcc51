// What is wrong with an input, where, and how it is put right.

export class Problem extends Error {
  constructor(message: string, readonly fix: string, readonly line?: number, readonly column?: number, readonly status = 400) {
    super(line === undefined ? message : `line ${line}, column ${column}: ${message}`);
  }
}

export function at(text: string, offset: number, message: string, fix: string): Problem {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return new Problem(message, fix, line, offset - (before.lastIndexOf("\n") + 1) + 1);
}

export const DEPTH_MAX = 100;

export function tooDeep(): Problem {
  return new Problem(`the data is nested more than ${DEPTH_MAX} deep`, "flatten it");
}
