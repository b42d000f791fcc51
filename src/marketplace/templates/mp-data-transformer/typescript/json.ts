// JSON, and where it is wrong: what the engine says of that depends on the length of the text.

import { at } from "./problem";

const SPACE = /[ \t\r\n]*/y;
const TOKEN = /("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)|[{}\[\],:]/y;

export function parseJson(text: string): unknown {
  const plain = text.startsWith("\uFEFF") ? text.slice(1) : text;
  try {
    return JSON.parse(plain);
  } catch {
    const offset = firstWrong(plain);
    const message = offset < plain.length ? "unexpected token" : "unexpected end";
    throw at(plain, offset, message, "correct the JSON there: quotes around names and texts, commas between, none at the end");
  }
}

function firstWrong(text: string): number {
  const open: string[] = [];
  let wanted: "value" | "value or ]" | "key" | "key or }" | "colon" | "more" | "nothing" = "value";
  let position = 0;
  const take = (pattern: RegExp) => {
    pattern.lastIndex = position;
    const found = pattern.exec(text);
    position += found?.[0].length ?? 0;
    return found;
  };
  for (;;) {
    take(SPACE);
    const start = position;
    const [token, string, scalar] = take(TOKEN) ?? [];
    if (token === undefined) return start;
    const isClosing = (token === "]" && (wanted === "value or ]" || wanted === "more")) || (token === "}" && (wanted === "key or }" || wanted === "more"));
    const takesValue = wanted === "value" || wanted === "value or ]";
    if (isClosing && open.at(-1) === token) {
      open.pop();
      wanted = open.length > 0 ? "more" : "nothing";
    } else if (takesValue && (string ?? scalar) !== undefined) wanted = open.length > 0 ? "more" : "nothing";
    else if (takesValue && token === "[") open.push("]"), (wanted = "value or ]");
    else if (takesValue && token === "{") open.push("}"), (wanted = "key or }");
    else if ((wanted === "key" || wanted === "key or }") && string !== undefined) wanted = "colon";
    else if (wanted === "colon" && token === ":") wanted = "value";
    else if (wanted === "more" && token === ",") wanted = open.at(-1) === "}" ? "key" : "value";
    else return start;
  }
}
