// CSV as in RFC 4180.

import { at, Problem } from "./problem";

export function parseCsv(text: string, delimiter: string, hasHeader: boolean): unknown[] {
  const rows = records(text, delimiter);
  if (!hasHeader) return rows.map((row) => row.fields);
  const names = rows.shift()?.fields ?? [];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new Problem(`two columns are named "${twice}"`, "give each column a name of its own, or send header=false", 1, 1);
  }
  return rows.map(({ fields, line }) => {
    if (fields.length !== names.length) {
      const message = `the row has ${fields.length} fields, the header ${names.length}`;
      throw new Problem(message, "put fields that contain the delimiter into quotes, or correct the delimiter", line, 1);
    }
    return Object.fromEntries(fields.map((field, index) => [names[index], field]));
  });
}

function records(text: string, delimiter: string): { fields: string[]; line: number }[] {
  const rows: { fields: string[]; line: number }[] = [];
  let at_ = text.startsWith("\uFEFF") ? 1 : 0;
  let line = 1;
  while (at_ < text.length) {
    const row = { fields: [] as string[], line };
    for (;;) {
      let field: string;
      if (text[at_] === '"') {
        const start = at_;
        [field, at_] = quoted(text, at_);
        line += text.slice(start, at_).split("\n").length - 1;
        if (at_ < text.length && text[at_] !== delimiter && text[at_] !== "\n" && !text.startsWith("\r\n", at_)) {
          throw at(text, at_, "there is text behind a closing quote", 'double quotes inside a field: ""');
        }
      } else {
        let end = at_;
        while (end < text.length && text[end] !== delimiter && text[end] !== "\n" && !text.startsWith("\r\n", end)) {
          if (text[end] === '"') throw at(text, end, "a quote is in a field without quotes", 'put the field into quotes and double those inside: ""');
          end++;
        }
        field = text.slice(at_, end);
        at_ = end;
      }
      row.fields.push(field);
      if (text[at_] !== delimiter || at_ >= text.length) break;
      at_++;
    }
    at_ += text[at_] === "\r" ? 2 : 1;
    line++;
    rows.push(row);
  }
  return rows;
}

function quoted(text: string, start: number): [string, number] {
  let field = "";
  let from = start + 1;
  for (;;) {
    const end = text.indexOf('"', from);
    if (end < 0) throw at(text, start, "a quoted field has no end", "close it with a quote");
    field += text.slice(from, end);
    if (text[end + 1] !== '"') return [field, end + 1];
    field += '"';
    from = end + 2;
  }
}

export function writeCsv(value: unknown, delimiter: string, hasHeader: boolean): string {
  const rows = rowsOf(value);
  const names: string[] = [];
  const seen = new Set<string>();
  for (const row of rows) {
    if (row === null || typeof row !== "object" || Array.isArray(row)) continue;
    for (const name of Object.keys(row)) if (!seen.has(name)) seen.add(name), names.push(name);
  }
  const isNamed = names.length > 0;
  const lines = isNamed && hasHeader ? [names.map((name) => cell(name, delimiter, "")).join(delimiter)] : [];
  rows.forEach((row, index) => {
    const where = (field: string | number) => `row ${index + 1}, field ${field}`;
    if (row === null || typeof row !== "object" || Array.isArray(row) === isNamed) {
      throw new Problem(`row ${index + 1} is not like the others`, "make all rows objects, or all of them lists");
    }
    const cells = Array.isArray(row)
      ? row.map((one, column) => cell(one, delimiter, where(column + 1)))
      : names.map((name) => cell((row as Record<string, unknown>)[name], delimiter, where(name)));
    // An empty line would be no row.
    lines.push(cells.length === 1 && cells[0] === "" ? '""' : cells.join(delimiter));
  });
  return lines.map((line) => `${line}\r\n`).join("");
}

function rowsOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  if (value === null || typeof value !== "object") {
    throw new Problem("CSV has rows, and the data is a single value", "send a list of objects, or of lists");
  }
  const inner = Object.values(value);
  return inner.length === 1 && inner[0] !== null && typeof inner[0] === "object" ? rowsOf(inner[0]) : [value];
}

function cell(value: unknown, delimiter: string, where: string): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "object") {
    throw new Problem(`${where} is ${Array.isArray(value) ? "a list" : "an object"}`, "CSV holds text, numbers and truth values: flatten it");
  }
  const text = String(value);
  const isPlain = !text.includes(delimiter) && !/["\r\n]/.test(text);
  return isPlain ? text : `"${text.replaceAll('"', '""')}"`;
}
