// Speaks to an echo in every way that there is.
import net, { connect, connectTls, errors, startTls } from "zygo:net";
import { afterRestore } from "zygo";

const bytes = (text: string) => new TextEncoder().encode(text);
const kept = new Map<number, any>();
const met = new Map<number, number>();

if (process.env.OPEN_AT_START) {
  afterRestore(async () => {
    kept.set(0, await connect({ port: Number(process.env.OPEN_AT_START) }));
  });
}

async function heard(conn: any, length: number): Promise<string> {
  const buffer = new Uint8Array(1024);
  let text = "";
  while (text.length < length) {
    const count = await conn.read(buffer);
    if (count === null) return `${text} and the end`;
    text += new TextDecoder().decode(buffer.subarray(0, count));
  }
  return text;
}

async function echo(conn: any, text: string): Promise<string> {
  const data = bytes(text);
  for (let sent = 0; sent < data.length; ) sent += await conn.write(data.subarray(sent));
  return heard(conn, text.length);
}

async function open({ port, hostname = "localhost", ca, how }: any) {
  const caCerts = ca ? [ca] : [];
  if (how === "tls") return connectTls({ hostname, port, caCerts, alpnProtocols: ["echo"] });
  const conn = await connect({ hostname, port, transport: "tcp" });
  if (how !== "starttls") return conn;
  await echo(conn, "encrypt");
  return startTls(conn, { hostname, caCerts });
}

async function failure(act: () => Promise<unknown>): Promise<unknown> {
  try {
    return await act();
  } catch (error: any) {
    const known = Object.keys(errors).find((name) => error.constructor === (errors as any)[name]);
    return { name: error.name, known: known ?? null, message: error.message };
  }
}

async function all(body: any) {
  const conn = await open(body);
  const alpn = conn.handshake ? (await conn.handshake()).alpnProtocol : undefined;
  const long = "x".repeat(100_000);
  const answers = [await echo(conn, "one"), await echo(conn, "two"), (await echo(conn, long)) === long];
  const { remoteAddr, localAddr } = conn;
  await conn.closeWrite();
  const rest = await heard(conn, Infinity);
  conn.close();
  const closed = await failure(() => conn.read(new Uint8Array(1)));
  return { alpn, answers, rest, remote: remoteAddr.port, isLocal: localAddr.port > 0, closed };
}

async function streams(body: any) {
  const conn = await open(body);
  const reader = conn.readable.pipeThrough(new TextDecoderStream()).getReader();
  const writer = conn.writable.getWriter();
  await writer.write(bytes("streamed"));
  let text = "";
  while (text.length < 8) text += (await reader.read()).value;
  conn.close();
  // The stream asks ahead: the connection ends with the read that waits for more.
  await reader.read().catch(() => undefined);
  return text;
}

// Waits until so many are at this port.
async function beside(body: any) {
  const conn = await open(body);
  met.set(body.port, (met.get(body.port) ?? 0) + 1);
  while (met.get(body.port)! < body.of) await new Promise((done) => setTimeout(done, 1));
  const answers = new Set<string>();
  for (let round = 0; round < 50; round++) answers.add(await echo(conn, body.own));
  conn.close();
  return { answers: [...answers], pid: process.pid };
}

async function keep(body: any) {
  const key = body.key ?? body.port;
  if (!kept.has(key)) kept.set(key, await open(body));
  return { answer: await echo(kept.get(key), body.own), pid: process.pid };
}

const ACTIONS: Record<string, (body: any) => unknown> = {
  all,
  beside,
  fail: (body) => failure(async () => void (await echo(await open(body), "one"))),
  hang: async (body) => (await open(body)).read(new Uint8Array(1)),
  keep,
  misused: async () => [
    await failure(() => connect({ transport: "unix", path: "/tmp/x" } as any)),
    await failure(() => connect({ port: 0 })),
    typeof (globalThis as any).Deno,
    Object.keys(net),
  ],
  streams,
};

export const handler = ({ body }: any) => ACTIONS[body.do](body);
