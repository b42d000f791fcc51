// What the function writes, as it writes it.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { follow, type Filter } from "../../api/follow";
import type { LogLine } from "../../api/types";
import { Badge, Empty, Failure } from "../../components/basics";
import { clock, count, dateTime } from "../../lib/format";
import type { TabProps } from "./page";

/** Older lines are let go. */
const LINES_MAX = 2_000;
const REQUEST = "zygo.logs.request";
const AGAIN_MS = 2_000;

export function Logs({ fn }: TabProps) {
  const [filter, setFilter] = useState<Filter>(() => ({ level: "", q: "", since: "1h", requestId: asked() }));
  const [held, setHeld] = useState(false);
  const { lines, state, error } = useLines(fn.id, filter, held);
  const set = (change: Partial<Filter>) => setFilter((old) => ({ ...old, ...change }));
  return (
    <>
      <div class="bar filters">
        <label>Level{" "}
          <select value={filter.level} onChange={(event) => set({ level: event.currentTarget.value })}>
            <option value="">all</option>
            <option value="info">info and above</option>
            <option value="warn">warn and above</option>
            <option value="error">error</option>
          </select>
        </label>
        <label>Since{" "}
          <select value={filter.since} onChange={(event) => set({ since: event.currentTarget.value })}>
            {["5m", "1h", "6h", "1d", "7d"].map((since) => <option key={since} value={since}>{since.replace("m", " min").replace("d", " d").replace("h", " h")}</option>)}
          </select>
        </label>
        <Late label="Text" value={filter.q} set={(q) => set({ q })} />
        <Late label="Request" value={filter.requestId} set={(requestId) => set({ requestId })} />
        <button type="button" aria-pressed={held} onClick={() => setHeld(!held)}>{held ? "Go on" : "Pause"}</button>
        <Badge tone={state === "live" ? "good" : "plain"}>{held ? "paused" : state}</Badge>
      </div>
      {error && <Failure error={error} />}
      <LineList lines={lines} choose={(requestId) => set({ requestId })} />
    </>
  );
}

/** A request that another page wants to see the lines of. */
function asked(): string {
  const request = sessionStorage.getItem(REQUEST) ?? "";
  sessionStorage.removeItem(REQUEST);
  return request;
}

function useLines(key: string, filter: Filter, held: boolean) {
  const [lines, setLines] = useState<LogLine[]>([]);
  const [state, setState] = useState<"connecting" | "live">("connecting");
  const [error, setError] = useState<Error>();
  useEffect(() => {
    if (held) return;
    const abort = new AbortController();
    let timer = 0;
    const run = async () => {
      try {
        setLines([]);
        const tell = (some: LogLine[]) => setLines((old) => [...old, ...some].slice(-LINES_MAX));
        await follow(key, filter, tell, () => { setState("live"); setError(undefined); }, abort.signal);
      } catch (reason) {
        if (!abort.signal.aborted) setError(reason as Error);
      }
      setState("connecting");
      // A connection ends after an hour, or with the platform.
      if (!abort.signal.aborted) timer = window.setTimeout(() => void run(), AGAIN_MS);
    };
    void run();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [key, filter, held]);
  return { lines, state, error };
}

function LineList({ lines, choose }: { lines: LogLine[]; choose: (requestId: string) => void }) {
  const list = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const top = useRef(0);
  useEffect(() => {
    if (atEnd.current) list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [lines]);
  const rows = useMemo(() => lines.map((line) => <LineRow key={line.id} line={line} choose={choose} />), [lines]);
  // Lines that come make the list longer too: only whoever goes up wants to stay there.
  const scrolled = () => {
    const { scrollHeight, scrollTop, clientHeight } = list.current!;
    if (scrollTop < top.current) atEnd.current = false;
    if (scrollHeight - scrollTop - clientHeight < 40) atEnd.current = true;
    top.current = scrollTop;
  };
  return (
    <>
      <div class="log" ref={list} role="log" aria-label="Log lines" tabIndex={0} onScroll={scrolled}>
        {lines.length === 0 && <Empty title="No lines"><p>Lines appear here as the function writes them.</p></Empty>}
        {rows}
      </div>
      <p class="quiet">{count(lines.length)} {lines.length === 1 ? "line" : "lines"}{lines.length === LINES_MAX && ", older ones are left out"}</p>
    </>
  );
}

function LineRow({ line, choose }: { line: LogLine; choose: (requestId: string) => void }) {
  const { requestId } = line;
  return (
    <div class={`log-line log-${line.level}`}>
      <time dateTime={line.time} title={dateTime(line.time)}>{clock(line.time)}</time>
      <span class="log-level">{line.level}</span>
      <span class="log-version">v{line.version}</span>
      <span class="log-text">{line.message}</span>
      {requestId && <button type="button" class="button-link log-request mono" title={`Only ${requestId}`} onClick={() => choose(requestId)}>{requestId.slice(-8)}</button>}
    </div>
  );
}

/** A text that counts once it is left or Enter is pressed, so that not every letter makes a new connection. */
function Late({ label, value, set }: { label: string; value: string; set: (value: string) => void }) {
  return (
    <label>{label}{" "}
      <input type="search" key={value} defaultValue={value} onChange={(event) => set(event.currentTarget.value.trim())} />
    </label>
  );
}
