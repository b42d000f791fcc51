// What changed between two texts, with a few lines of what did not.

import { diffLines } from "diff";

export type Row =
  | { kind: "same" | "added" | "removed"; before: number | null; after: number | null; text: string }
  | { kind: "skipped"; count: number };

const CONTEXT = 3;

export function diffRows(before: string, after: string): Row[] {
  const rows: Exclude<Row, { kind: "skipped" }>[] = [];
  let [left, right] = [1, 1];
  for (const part of diffLines(before, after)) {
    const lines = part.value.replace(/\n$/, "").split("\n");
    for (const text of lines) {
      if (part.added) rows.push({ kind: "added", before: null, after: right++, text });
      else if (part.removed) rows.push({ kind: "removed", before: left++, after: null, text });
      else rows.push({ kind: "same", before: left++, after: right++, text });
    }
  }
  return fold(rows);
}

/** Leaves out what is far from any change. */
function fold(rows: Exclude<Row, { kind: "skipped" }>[]): Row[] {
  const near = new Array<boolean>(rows.length).fill(false);
  rows.forEach((row, at) => {
    if (row.kind === "same") return;
    for (let one = Math.max(0, at - CONTEXT); one <= Math.min(rows.length - 1, at + CONTEXT); one += 1) near[one] = true;
  });
  const folded: Row[] = [];
  rows.forEach((row, at) => {
    const last = folded[folded.length - 1];
    if (near[at]) folded.push(row);
    else if (last?.kind === "skipped") last.count += 1;
    else folded.push({ kind: "skipped", count: 1 });
  });
  return folded;
}
