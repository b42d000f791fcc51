// The lines of a log: the newest of those that were, then those that come, and older ones when somebody asks.

import { useEffect, useRef, useState } from "preact/hooks";

import { follow, listLines, type Filter } from "../api/follow";
import type { LogLine } from "../api/types";

/** Beyond that, the oldest are let go. */
export const LINES_MAX = 5_000;
const AGAIN_MS = 2_000;

export interface Lines {
  lines: LogLine[];
  state: "connecting" | "live";
  error: Error | undefined;
  /** Brings older lines, if there are any. */
  older: (() => void) | undefined;
}

export function useLines(key: string, filter: Filter, held: boolean): Lines {
  const [lines, setLines] = useState<LogLine[]>([]);
  const [cursor, setCursor] = useState<string>();
  const [state, setState] = useState<Lines["state"]>("connecting");
  const [error, setError] = useState<Error>();
  const last = useRef<string>();

  useEffect(() => {
    last.current = undefined;
    setLines([]);
    setCursor(undefined);
  }, [key, filter]);

  useEffect(() => {
    if (held) return;
    const abort = new AbortController();
    let timer = 0;
    const tell = (some: LogLine[]) => {
      if (abort.signal.aborted) return;
      last.current = some[some.length - 1]?.id ?? last.current;
      setLines((old) => [...old, ...some].slice(-LINES_MAX));
    };
    const connected = () => {
      setState("live");
      setError(undefined);
    };
    const run = async () => {
      try {
        if (last.current === undefined) {
          const page = await listLines(key, filter, undefined, abort.signal);
          setCursor(page.nextCursor ?? undefined);
          tell(page.logs);
        }
        await follow(key, filter, last.current, tell, connected, abort.signal);
      } catch (reason) {
        if (!abort.signal.aborted) setError(reason as Error);
      }
      if (abort.signal.aborted) return;
      setState("connecting");
      // A connection ends after an hour, or with the platform.
      timer = window.setTimeout(() => void run(), AGAIN_MS);
    };
    void run();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [key, filter, held]);

  const bring = () => {
    const asked = filter;
    listLines(key, filter, cursor)
      .then((page) => {
        if (asked !== filter) return;
        setLines((old) => [...page.logs, ...old]);
        setCursor(page.nextCursor ?? undefined);
      })
      .catch(setError);
  };
  return { lines, state, error, older: cursor !== undefined && lines.length < LINES_MAX ? bring : undefined };
}
