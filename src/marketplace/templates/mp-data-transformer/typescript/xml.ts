// XML: elements, attributes, text. No DOCTYPE, so no entities of a document's own.

import { at, DEPTH_MAX, Problem, tooDeep } from "./problem";

const NAME = /[\p{L}_:][\p{L}\p{N}\p{M}_:.\-·]*/uy;
const SPACE = /[ \t\r\n]*/y;
const FORBIDDEN = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/;
const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

type Element = { name: string; start: number; value: Map<string, unknown[]>; text: string };

export function parseXml(text: string): unknown {
  let position = text.startsWith("\uFEFF") ? 1 : 0;
  const open: Element[] = [];
  let root: Element | undefined;
  const fail = (message: string, fix: string, where = position) => at(text, where, message, fix);
  const match = (pattern: RegExp) => {
    pattern.lastIndex = position;
    const found = pattern.exec(text)?.[0] ?? "";
    position += found.length;
    return found;
  };
  const skip = (begin: string, end: string) => {
    const found = text.indexOf(end, position + begin.length);
    if (found < 0) throw fail(`${begin} has no end`, `close it with ${end}`);
    const inner = text.slice(position + begin.length, found);
    position = found + end.length;
    return inner;
  };
  const control = FORBIDDEN.exec(text);
  if (control) throw fail("a character is not allowed in XML", "remove it", control.index);
  while (position < text.length) {
    const parent = open.at(-1);
    if (text[position] !== "<") {
      const end = text.indexOf("<", position);
      const piece = text.slice(position, end < 0 ? text.length : end);
      if (parent) parent.text += decode(text, position, piece);
      else if (piece.trim() !== "") throw fail("there is text outside of the root element", "put everything into one element", position + piece.search(/\S/));
      position += piece.length;
    } else if (text.startsWith("<!--", position)) skip("<!--", "-->");
    else if (text.startsWith("<?", position)) skip("<?", "?>");
    else if (text.startsWith("<!DOCTYPE", position)) throw fail("a DOCTYPE is not taken", "remove it, and write entities out: they could read files or fill the memory");
    else if (parent && text.startsWith("<![CDATA[", position)) parent.text += skip("<![CDATA[", "]]>");
    else if (text.startsWith("</", position)) {
      const start = position;
      position += 2;
      const name = match(NAME);
      match(SPACE);
      if (text[position] !== ">") throw fail(`</${name} is not closed`, "close it with >");
      position++;
      if (!parent) throw fail(`</${name}> closes nothing`, "remove it", start);
      if (parent.name !== name) throw fail(`</${name}> closes <${parent.name}>`, `write </${parent.name}> before it`, start);
      open.pop();
      close(parent, open.at(-1));
    } else {
      const start = position++;
      const name = match(NAME);
      if (name === "") throw fail("< begins no element", "write &lt; for a plain <", start);
      if (!parent && root) throw fail(`<${name}> is a second root element`, "put everything into one element", start);
      const element: Element = { name, start, value: new Map(), text: "" };
      for (;;) {
        const gap = match(SPACE);
        if (text[position] === ">" || text.startsWith("/>", position)) break;
        const key = match(NAME);
        if (key === "" || gap === "") throw fail(`<${name}> is not closed`, "close it with >, and write attributes as name=\"value\"");
        match(SPACE);
        const hasValue = text[position] === "=";
        if (hasValue) position++;
        match(SPACE);
        const quote = text[position];
        if (!hasValue || (quote !== '"' && quote !== "'")) throw fail(`the attribute ${key} has no quoted value`, `write ${key}="value"`);
        const begin = position;
        const value = skip(quote, quote);
        if (value.includes("<")) throw fail(`< is in the attribute ${key}`, "write &lt;", begin);
        if (element.value.has(`@${key}`)) throw fail(`the attribute ${key} is there twice`, "remove one", begin);
        element.value.set(`@${key}`, [decode(text, begin + 1, value)]);
      }
      root ??= element;
      if (text[position] === "/") {
        position += 2;
        close(element, parent);
      } else {
        position++;
        open.push(element);
        if (open.length > DEPTH_MAX) throw tooDeep();
      }
    }
  }
  const left = open.at(-1);
  if (left) throw fail(`<${left.name}> has no end`, `close it with </${left.name}>`, left.start);
  if (!root) throw fail("there is no element", "send an XML document");
  return { [root.name]: finished(root) };
}

function close(element: Element, parent: Element | undefined): void {
  if (!parent) return;
  const values = parent.value.get(element.name);
  if (values) values.push(finished(element));
  else parent.value.set(element.name, [finished(element)]);
}

function finished(element: Element): unknown {
  if (element.value.size === 0) return element.text;
  const text = element.text.trim();
  const pairs = [...element.value].map(([name, values]) => [name, values.length === 1 ? values[0] : values]);
  return Object.fromEntries(text === "" ? pairs : [...pairs, ["#text", text]]);
}

function decode(text: string, offset: number, piece: string): string {
  return piece.replace(/\r\n?/g, "\n").replace(/&([^;&<\s]{0,12};?)/g, (whole, name: string) => {
    const number = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}));$/.exec(name);
    const code = number ? parseInt(number[1] ?? number[2], number[1] ? 16 : 10) : NaN;
    const known = number ? code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) && String.fromCodePoint(code) : name.endsWith(";") && ENTITIES[name.slice(0, -1)];
    if (!known || FORBIDDEN.test(known)) throw at(text, offset + piece.indexOf(whole), `${whole} is no entity`, "write &amp; for a plain &");
    return known;
  });
}

export function writeXml(value: unknown, root: string | undefined, rootName: string, item: string): string {
  let name = root ?? rootName;
  const keys = value !== null && typeof value === "object" && !Array.isArray(value) ? Object.keys(value) : [];
  const only = keys.length === 1 && !/^[@#]/.test(keys[0]) ? (value as Record<string, unknown>)[keys[0]] : undefined;
  if (root === undefined && only !== undefined && !Array.isArray(only)) [name, value] = [keys[0], only];
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element(name, value, item, 1)}\n`;
}

function element(name: string, value: unknown, item: string, depth: number): string {
  if (depth > DEPTH_MAX) throw tooDeep();
  NAME.lastIndex = 0;
  if (NAME.exec(name)?.[0] !== name) throw new Problem(`"${name}" cannot be the name of an element`, "rename it: letters, digits, _, - and ., with a letter or _ first");
  if (Array.isArray(value)) value = { [item]: value };
  if (value === null || value === "") return `<${name}/>`;
  if (typeof value !== "object") return `<${name}>${escape(name, value)}</${name}>`;
  let [attributes, inner] = ["", ""];
  for (const [key, one] of Object.entries(value as object)) {
    if (key === "#text") inner += escape(name, one);
    else if (key.startsWith("@")) {
      NAME.lastIndex = 0;
      if (NAME.exec(key.slice(1))?.[0] !== key.slice(1)) throw new Problem(`"${key}" cannot be the name of an attribute`, "rename it");
      attributes += ` ${key.slice(1)}="${escape(key, one)}"`;
    } else for (const each of Array.isArray(one) ? one : [one]) inner += element(key, each, item, depth + 1);
  }
  return inner === "" ? `<${name}${attributes}/>` : `<${name}${attributes}>${inner}</${name}>`;
}

const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;" };

function escape(name: string, value: unknown): string {
  if (value !== null && typeof value === "object") throw new Problem(`"${name}" is no text`, "attributes and #text are text, numbers or truth values");
  const text = value === null ? "" : String(value);
  if (FORBIDDEN.test(text)) throw new Problem(`"${name}" has a character that XML cannot hold`, "remove it, or encode the value in base64");
  return text.replace(name.startsWith("@") ? /[&<>"\t\n\r]/g : /[&<>\r]/g, (one) => ESCAPES[one]);
}
