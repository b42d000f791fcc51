// A real platform with a fresh data folder, at a port of its own, for each test; and a browser that watches for whatever
// a strict page must not do.

import { expect, test as base, type Page } from "@playwright/test";
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const BINARY = process.env.ZYGO_BINARY ?? resolve("../target/release/zygo");
const START_MS = 30_000;

export interface Answer {
  status: number;
  body: any;
}

export class Platform {
  private constructor(
    readonly url: string,
    private readonly process: ChildProcess,
    private readonly folder: string,
    private readonly key: string | undefined,
  ) {}

  static async start(settings: Record<string, string> = {}): Promise<Platform> {
    const folder = mkdtempSync(join(tmpdir(), "zygo-dashboard-"));
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("ZYGO_"));
    const env = { ...Object.fromEntries(inherited), ZYGO_DATA_DIR: folder, HOST: "127.0.0.1", PORT: "0", ...settings };
    const child = spawn(BINARY, ["serve"], { env, stdio: ["ignore", "ignore", "pipe"] });
    const url = await address(child);
    return new Platform(url, child, folder, settings.ZYGO_ADMIN_KEY);
  }

  /** A call of the API, beside the browser. */
  async call(method: string, path: string, body?: unknown, key = this.key): Promise<Answer> {
    const headers: Record<string, string> = { "content-type": "application/json" };
    if (key) headers.authorization = `Bearer ${key}`;
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const response = await fetch(this.url + path, init);
    return { status: response.status, body: await response.json() };
  }

  async deploy(name: string, runtime: string, code: string, settings: object = {}): Promise<void> {
    const answer = await this.call("POST", "/functions", { name, runtime, code, ...settings });
    expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  }

  async end(): Promise<void> {
    const ended = new Promise((done) => this.process.once("exit", done));
    this.process.kill("SIGTERM");
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Where it says that it listens. */
function address(child: ChildProcess): Promise<string> {
  return new Promise((found, failed) => {
    let text = "";
    const late = setTimeout(() => failed(new Error(`the platform does not listen:\n${text}`)), START_MS);
    child.once("exit", (code) => failed(new Error(`the platform ended with ${code}:\n${text}`)));
    child.once("error", failed);
    child.stderr!.on("data", (piece: Buffer) => {
      text += piece.toString();
      const match = /http:\/\/127\.0\.0\.1:\d+/.exec(text);
      if (!match) return;
      clearTimeout(late);
      found(match[0]);
    });
  });
}

interface Fixtures {
  /** Settings of the platform. */
  settings: Record<string, string>;
  platform: Platform;
  /** A page at whose end nothing may have been said in the console, and no policy violated. */
  dashboard: Page;
}

export const test = base.extend<Fixtures>({
  settings: [{}, { option: true }],
  platform: async ({ settings }, use) => {
    const platform = await Platform.start(settings);
    await use(platform);
    await platform.end();
  },
  dashboard: async ({ page, platform }, use) => {
    const said: string[] = [];
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && said.push(message.text()));
    page.on("response", (response) => {
      const { pathname } = new URL(response.url());
      const ours = pathname === "/" || pathname.startsWith("/dashboard");
      if (ours && response.status() >= 400) said.push(`${pathname}: ${response.status()}`);
    });
    page.on("pageerror", (error) => said.push(`${error.name}: ${error.message}`));
    page.on("dialog", (dialog) => {
      said.push(`a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      if (origin !== platform.url && protocol !== "data:") said.push(`a request to ${request.url()}`);
    });
    await page.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
    });
    await use(page);
    // A platform that ends waits for whoever follows a log.
    await page.close();
    // What the server refuses on purpose is told by the browser as well.
    const wrong = said.filter((text) => !/the server responded with a status of (401|403|404|409|412|422|429|50\d)/.test(text));
    expect(wrong).toEqual([]);
  },
});

export { expect };

export async function open(page: Page, platform: Platform, place = ""): Promise<void> {
  await page.goto(`${platform.url}/#/${place}`);
}

/** Replaces what is in the code editor. */
export async function writeCode(page: Page, code: string): Promise<void> {
  const editor = page.getByRole("textbox", { name: /^Code:/ });
  await editor.click();
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Delete");
  await page.keyboard.insertText(code);
}
