import { connect, startTls } from "zygo:net";

const env = process.env as Record<string, string>;
const ADDRESS = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/;
const NAMED = /^([^<>]*)<([^<>]*)>$/;
const CONTROL = /[\x00-\x1f\x7f\x85\u2028\u2029]/;
const TIMEOUT_MS = Number(env.TIMEOUT_MS);

class Refusal extends Error {
  constructor(readonly statusCode: number, readonly code: string, message: string, readonly more = {}) {
    super(message);
  }
}

const wrong = (field: string, rule: string) => new Refusal(400, "bad_request", `\`${field}\` ${rule}`, { field });
const domain = (address: string) => address.split("@").at(-1)!.toLowerCase();
const bytes = (text: string) => new TextEncoder().encode(text);

function base64(text: string): string {
  return btoa(Array.from(bytes(text), (byte) => String.fromCharCode(byte)).join(""));
}

// Text of any script in a header: words of at most 75 characters.
function encoded(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text) && text.length < 900) return text;
  const words = [""];
  for (const char of text) {
    if (bytes(words.at(-1) + char).length > 42) words.push("");
    words[words.length - 1] += char;
  }
  return words.map((word) => `=?UTF-8?B?${base64(word)}?=`).join("\r\n ");
}

interface Person {
  name: string;
  address: string;
}

function shown({ name, address }: Person): string {
  if (name === "") return address;
  return `${/^[\x20-\x7e]*$/.test(name) ? `"${name.replace(/["\\]/g, "\\$&")}"` : encoded(name)} <${address}>`;
}

function line(field: string, value: unknown): string {
  if (typeof value === "string" && !CONTROL.test(value)) return value;
  throw wrong(field, "must be text without line ends and other control characters");
}

function person(field: string, value: unknown): Person {
  const text = line(field, value).trim();
  const [, name, address] = NAMED.exec(text) ?? [text, "", text];
  if (!ADDRESS.test(address.trim())) {
    throw wrong(field, "must be an address such as ada@example.com or Ada <ada@example.com>, in ASCII");
  }
  return { name: name.trim().replace(/^"|"$/g, ""), address: address.trim() };
}

function people(field: string, value: unknown): Person[] {
  const all = Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
  const found = all.map((one) => person(field, one));
  const domains = (env.ALLOWED_DOMAINS ?? "").toLowerCase().split(",").map((one) => one.trim()).filter((one) => one !== "");
  if (domains.length > 0 && !found.every(({ address }) => domains.includes(domain(address)))) {
    throw wrong(field, `may have addresses at ${domains.join(", ")} only`);
  }
  return found;
}

function part(kind: string, text: string): string {
  const lines = base64(text).match(/.{1,76}/g)!;
  return [`Content-Type: text/${kind}; charset=utf-8`, "Content-Transfer-Encoding: base64", "", ...lines, ""].join("\r\n");
}

function content(mail: any): string {
  const texts = [["plain", mail.text], ["html", mail.html]].filter(([, text]) => text !== undefined && text !== null && text !== "");
  if (texts.length === 0 || texts.some(([, text]) => typeof text !== "string")) throw wrong("text", "or `html` must be there, as text");
  const parts = texts.map(([kind, text]) => part(kind, text));
  if (parts.length === 1) return parts[0];
  const boundary = crypto.randomUUID();
  const all = parts.flatMap((one) => [`--${boundary}`, one]);
  return [`Content-Type: multipart/alternative; boundary="${boundary}"`, "", ...all, `--${boundary}--`, ""].join("\r\n");
}

// The message, its id, its sender, and everyone who is to get it.
function compose(mail: any) {
  const sender = person("MAIL_FROM", env.MAIL_FROM);
  const [to, cc, bcc] = ["to", "cc", "bcc"].map((field) => people(field, mail[field]));
  const everyone = [...new Set([...to, ...cc, ...bcc].map(({ address }) => address))];
  if (everyone.length === 0) throw wrong("to", "must name at least one recipient");
  if (everyone.length > Number(env.MAX_RECIPIENTS)) throw wrong("to", `has more than ${env.MAX_RECIPIENTS} recipients, with cc and bcc`);
  const id = `<${crypto.randomUUID()}@${domain(sender.address)}>`;
  const replyTo = mail.replyTo === undefined || mail.replyTo === null ? [] : [person("replyTo", mail.replyTo)];
  const headers = [
    ["From", shown(sender)],
    ["To", to.map(shown).join(",\r\n ")],
    ["Cc", cc.map(shown).join(",\r\n ")],
    ["Reply-To", replyTo.map(shown).join("")],
    ["Subject", encoded(line("subject", mail.subject === undefined ? "" : mail.subject))],
    ["Date", new Date().toUTCString().replace("GMT", "+0000")],
    ["Message-ID", id],
    ["MIME-Version", "1.0"],
  ];
  const head = headers.filter(([, value]) => value !== "").map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return { message: head + content(mail), id, sender: sender.address, everyone };
}

// One step of the conversation, in its time.
async function step<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const refusal = new Refusal(504, "smtp_timeout", `The server did not answer within ${TIMEOUT_MS} ms`);
    timer = setTimeout(() => reject(refusal), TIMEOUT_MS);
  });
  try {
    return await Promise.race([work, late]);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(502, "smtp_unreachable", `The server cannot be reached: ${(error as Error).message}`);
  } finally {
    clearTimeout(timer);
  }
}

interface Reply {
  code: number;
  text: string;
}

class Server {
  #unread = "";
  #offers: string[] = [];
  #lost = false;

  private constructor(private conn: any) {}

  // Greeted, and encrypted as it is to be.
  static async open(from: string): Promise<Server> {
    const { SMTP_HOST: hostname, SMTP_PORT: port, SMTP_SECURITY: security } = env;
    // Where that is too slow, it is given up as well.
    const abort = new AbortController();
    const connected = connect({ hostname, port: Number(port), signal: abort.signal });
    const server = new Server(await step(connected).finally(() => abort.abort()));
    try {
      if (security === "tls") await server.#encrypt();
      server.#expect(await server.#reply(), 220);
      await server.#greet(from);
      if (security === "starttls") {
        if (!server.#offers.includes("STARTTLS")) throw new Refusal(502, "smtp_refused", "The server refuses: it has no STARTTLS");
        await server.ask("STARTTLS", 220);
        // What came before the encryption would be taken for what comes after it.
        if (server.#unread !== "") throw new Refusal(502, "smtp_refused", "The server says more than it was asked before it encrypts");
        await server.#encrypt();
        await server.#greet(from);
      }
      return server;
    } catch (error) {
      await server.end();
      throw error;
    }
  }

  async #encrypt() {
    const secured = async () => {
      this.conn = await startTls(this.conn, { hostname: env.SMTP_HOST, caCerts: env.SMTP_CA ? [env.SMTP_CA] : [] });
      await this.conn.handshake();
    };
    await this.#step(secured());
  }

  async #greet(from: string) {
    const { code, text } = await this.say(`EHLO ${domain(from)}`);
    if (code !== 250) await this.ask(`HELO ${domain(from)}`, 250);
    this.#offers = code === 250 ? text.toUpperCase().split("\n").slice(1) : [];
  }

  async logIn(user: string, password: string) {
    const offer = this.#offers.find((one) => one.startsWith("AUTH "))?.split(" ") ?? [];
    const refused = ({ code, text }: Reply) =>
      new Refusal(502, "smtp_auth", `The server does not take user and password: ${code} ${text}`);
    let reply: Reply;
    if (offer.includes("LOGIN") && !offer.includes("PLAIN")) {
      for (const secret of ["AUTH LOGIN", base64(user)]) {
        reply = await this.say(secret);
        if (reply.code !== 334) throw refused(reply);
      }
      reply = await this.say(base64(password));
    } else {
      reply = await this.say(`AUTH PLAIN ${base64(`\0${user}\0${password}`)}`);
    }
    if (reply.code !== 235) throw refused(reply);
  }

  // Sends a line, or several, and gives the answer.
  async say(line: string): Promise<Reply> {
    const data = bytes(`${line}\r\n`);
    for (let sent = 0; sent < data.length; ) sent += await this.#step<number>(this.conn.write(data.subarray(sent)));
    return this.#reply();
  }

  async ask(line: string, code: number) {
    this.#expect(await this.say(line), code);
  }

  #expect({ code, text }: Reply, wanted: number) {
    if (code !== wanted) throw new Refusal(502, "smtp_refused", `The server refuses: ${code} ${text}`);
  }

  #reply(): Promise<Reply> {
    const read = async () => {
      const texts: string[] = [];
      for (;;) {
        const line = await this.#line();
        const [, code, more, text] = /^(\d{3})([ -]?)(.*)$/.exec(line) ?? [];
        if (code === undefined) throw new Refusal(502, "smtp_refused", "The server does not speak SMTP");
        texts.push(text);
        if (more !== "-") return { code: Number(code), text: texts.join("\n") };
      }
    };
    return this.#step(read());
  }

  async #line(): Promise<string> {
    const buffer = new Uint8Array(4096);
    for (;;) {
      const end = this.#unread.indexOf("\n");
      if (end >= 0) {
        const line = this.#unread.slice(0, end).replace(/\r$/, "");
        this.#unread = this.#unread.slice(end + 1);
        return line;
      }
      const count = await this.conn.read(buffer);
      if (count === null) throw new Refusal(502, "smtp_unreachable", "The server hung up");
      this.#unread += new TextDecoder().decode(buffer.subarray(0, count));
    }
  }

  async #step<T>(work: Promise<T>): Promise<T> {
    try {
      return await step(work);
    } catch (error) {
      this.#lost = true;
      throw error;
    }
  }

  // Takes leave, if there is still somebody to take leave of. What was sent is sent, whatever comes of it.
  async end() {
    if (!this.#lost) await this.say("QUIT").catch(() => {});
    try {
      this.conn.close();
    } catch {
      // It is closed already.
    }
  }
}

async function deliver(message: string, sender: string, everyone: string[]) {
  if (env.SMTP_USER && env.SMTP_SECURITY === "none") {
    throw new Refusal(500, "smtp_auth", "A password is sent over encrypted connections only: set SMTP_SECURITY");
  }
  const server = await Server.open(sender);
  try {
    if (env.SMTP_USER) await server.logIn(env.SMTP_USER, env.SMTP_PASSWORD ?? "");
    await server.ask(`MAIL FROM:<${sender}>`, 250);
    const rejected: { address: string; reason: string }[] = [];
    for (const address of everyone) {
      const { code, text } = await server.say(`RCPT TO:<${address}>`);
      if (code !== 250 && code !== 251) rejected.push({ address, reason: `${code} ${text}` });
    }
    if (rejected.length === everyone.length) {
      throw new Refusal(422, "all_rejected", "The server refuses every recipient", { rejected });
    }
    await server.ask("DATA", 354);
    await server.ask(`${message.replace(/^\./gm, "..")}.`, 250);
    return { accepted: everyone.filter((one) => !rejected.some(({ address }) => address === one)), rejected };
  } finally {
    await server.end();
  }
}

export const handler = async (event: any) => {
  try {
    const mail = event.body;
    if (typeof mail !== "object" || mail === null || Array.isArray(mail)) {
      throw new Refusal(400, "bad_request", "The body must be an object: {to, subject, text}");
    }
    const { message, id, sender, everyone } = compose(mail);
    const { accepted, rejected } = await deliver(message, sender, everyone);
    console.log(`sent ${id} to ${accepted.length} of ${everyone.length}`);
    return { statusCode: 200, body: { messageId: id, accepted, rejected } };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.code.startsWith("smtp_")) console.log(error.message);
    return { statusCode: error.statusCode, body: { error: error.message, code: error.code, ...error.more } };
  }
};
