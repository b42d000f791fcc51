import { parseCsv, writeCsv } from "./csv";
import { parseJson } from "./json";
import { Problem } from "./problem";
import { parseXml, writeXml } from "./xml";

const FORMATS = ["json", "csv", "xml"];
const TYPES: Record<string, string> = { json: "application/json", csv: "text/csv; charset=utf-8", xml: "application/xml" };
const env = process.env as Record<string, string>;

interface Options {
  from?: string;
  to?: string;
  data?: unknown;
  delimiter?: string;
  header?: boolean | string;
  root?: string;
  item?: string;
}

function format(name: string, value: unknown): string {
  if (typeof value === "string" && FORMATS.includes(value)) return value;
  throw new Problem(`\`${name}\` must be json, csv or xml`, `send ${name}=json, ${name}=csv or ${name}=xml`);
}

function transform(options: Options): { text: string; to: string } {
  const from = format("from", options.from);
  const to = format("to", options.to ?? "json");
  let delimiter = options.delimiter ?? env.DELIMITER;
  if (delimiter === "tab") delimiter = "\t";
  if (typeof delimiter !== "string" || [...delimiter].length !== 1 || /["\r\n]/.test(delimiter)) {
    throw new Problem("`delimiter` must be one character, and no quote or line end", "send for instance delimiter=; or delimiter=tab");
  }
  const header = String(options.header ?? true);
  if (header !== "true" && header !== "false") throw new Problem("`header` must be true or false", "send header=false where the first line is data");
  const data = options.data ?? "";
  if (typeof data !== "string" && from !== "json") throw new Problem("`data` must be text", `send the ${from} as a string`);
  const text = typeof data === "string" ? data : JSON.stringify(data);
  bounded("the input", text);
  const value = from === "json" ? (typeof data === "string" ? parseJson(text) : data) : from === "csv" ? parseCsv(text, delimiter, header === "true") : parseXml(text);
  const written = to === "json" ? JSON.stringify(value) : to === "csv" ? writeCsv(value, delimiter, header === "true") : writeXml(value, options.root, env.ROOT_NAME, options.item ?? env.ITEM_NAME);
  bounded("the output", written);
  return { text: written, to };
}

function bounded(what: string, text: string): void {
  const length = new TextEncoder().encode(text).length;
  const most = Number(env.MAX_BYTES);
  if (length > most) throw new Problem(`${what} has ${length} bytes, and ${most} are the most`, "send less at a time, or raise MAX_BYTES", undefined, undefined, 413);
}

function sent(event: any): Options {
  const query = event.queryStringParameters ?? {};
  const bytes = event.isBase64Encoded ? Uint8Array.from(atob(event.body ?? ""), (one) => one.charCodeAt(0)) : undefined;
  let data = event.body ?? "";
  try {
    if (bytes) data = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Problem("the body is not UTF-8", "send it in UTF-8");
  }
  const type = (event.headers["content-type"] ?? "").split(";")[0];
  return { from: FORMATS.find((name) => type.endsWith(name)), ...query, data };
}

export const handler = async (event: any) => {
  const isHttp = event.requestContext !== undefined;
  try {
    if (!isHttp && (event.body === null || typeof event.body !== "object")) throw new Problem("the body must be an object", "send {from, to, data}");
    const { text, to } = transform(isHttp ? sent(event) : event.body);
    if (!isHttp) return { statusCode: 200, body: { data: to === "json" ? JSON.parse(text) : text } };
    return { statusCode: 200, headers: { "content-type": TYPES[to] }, body: text };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { message, line, column, fix } = error;
    return { statusCode: error.status, body: { error: message, line, column, fix } };
  }
};
