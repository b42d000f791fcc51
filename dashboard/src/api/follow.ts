// Log lines as they come: server-sent events, read with fetch because an EventSource cannot carry a credential.

import { call, send } from "./client";
import type { LogLine, LogPage } from "./types";

export interface Filter {
  level: string;
  q: string;
  requestId: string;
  since: string;
}

/** Takes server-sent events out of a text that comes in pieces. */
export class Events {
  #rest = "";

  /** The data of every event that this piece completes. */
  add(piece: string): string[] {
    this.#rest += piece;
    const parts = this.#rest.split(/\r?\n\r?\n/);
    this.#rest = parts.pop() ?? "";
    return parts.map(dataOf).filter((data) => data !== "");
  }
}

function dataOf(event: string): string {
  const lines = event.split(/\r?\n/).filter((line) => line.startsWith("data:"));
  return lines.map((line) => line.slice(5).replace(/^ /, "")).join("\n");
}

/** The most lines that come at once after an interruption. */
const CATCH_UP_MAX = 1_000;

/** Tells every line after `last` until `signal` ends it; throws when there is no connection, returns when it has ended. */
export async function follow(
  key: string,
  filter: Filter,
  last: string | undefined,
  tell: (lines: LogLine[]) => void,
  connected: () => void,
  signal: AbortSignal,
): Promise<void> {
  const query = { ...filter, limit: CATCH_UP_MAX, follow: true };
  const headers = { accept: "text/event-stream", ...(last ? { "last-event-id": last } : {}) };
  const response = await send("GET", "/functions/{key}/logs", { key }, { query, headers, signal });
  connected();
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const events = new Events();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    const lines = events.add(piece.value).map((data) => JSON.parse(data) as LogLine);
    if (lines.length > 0) tell(lines);
  }
}

/** The newest lines before a cursor, the oldest of them first. */
export const listLines = (key: string, filter: Filter, cursor: string | undefined, signal?: AbortSignal) =>
  call<LogPage>("GET", "/functions/{key}/logs", { key }, { query: { ...filter, limit: 500, cursor }, signal });
