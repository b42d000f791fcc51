// Asks for something, and again from time to time as long as somebody looks.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

export interface Loaded<T> {
  data: T | undefined;
  error: Error | undefined;
  reload: () => void;
}

export function useLoad<T>(ask: (signal: AbortSignal) => Promise<T>, about: unknown[], everyMs = 0): Loaded<T> {
  const [state, setState] = useState<{ data?: T; error?: Error }>({});
  const [turn, setTurn] = useState(0);
  const asked = useRef("");
  const key = JSON.stringify(about);

  useEffect(() => {
    if (asked.current !== key) setState({});
    asked.current = key;
    const abort = new AbortController();
    let timer = 0;
    const run = async () => {
      try {
        if (!document.hidden || everyMs === 0) setOf(await ask(abort.signal));
      } catch (error) {
        if (!abort.signal.aborted) setState((old) => ({ ...old, error: error as Error }));
      }
      if (everyMs > 0 && !abort.signal.aborted) timer = window.setTimeout(() => void run(), everyMs);
    };
    const setOf = (data: T) => !abort.signal.aborted && setState({ data });
    void run();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [key, turn, everyMs]);

  const reload = useCallback(() => setTurn((old) => old + 1), []);
  return { data: state.data, error: state.error, reload };
}

/** Runs one action at a time, and says whether it is under way and how it failed. */
export function useAction(): {
  busy: boolean;
  error: Error | undefined;
  run: (work: () => Promise<void>) => void;
  clear: () => void;
} {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error>();
  const run = (work: () => Promise<void>) => {
    if (busy) return;
    setBusy(true);
    setError(undefined);
    work()
      .catch((reason: unknown) => setError(reason as Error))
      .finally(() => setBusy(false));
  };
  return { busy, error, run, clear: () => setError(undefined) };
}
