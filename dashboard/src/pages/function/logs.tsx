// What the function writes, as it writes it.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import type { Filter } from "../../api/follow";
import type { LogLine } from "../../api/types";
import { Badge, Empty, Failure } from "../../components/basics";
import { clock, count, dateTime } from "../../lib/format";
import { LINES_MAX, useLines } from "../../lib/lines";
import type { TabProps } from "./page";

const REQUEST = "zygo.logs.request";

export function Logs({ fn }: TabProps) {
  const [filter, setFilter] = useState<Filter>(() => ({ level: "", q: "", since: "1h", requestId: asked() }));
  const [held, setHeld] = useState(false);
  const { lines, state, error, older } = useLines(fn.id, filter, held);
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
      <LineList lines={lines} older={older} choose={(requestId) => set({ requestId })} />
    </>
  );
}

/** A request that another page wants to see the lines of. */
function asked(): string {
  const request = sessionStorage.getItem(REQUEST) ?? "";
  sessionStorage.removeItem(REQUEST);
  return request;
}

interface LineListProps {
  lines: LogLine[];
  older: (() => void) | undefined;
  choose: (requestId: string) => void;
}

function LineList({ lines, older, choose }: LineListProps) {
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
        {older && <p class="log-older"><button type="button" onClick={older}>Older lines</button></p>}
        {lines.length === 0 && <Empty title="No lines"><p>Lines appear here as the function writes them.</p></Empty>}
        {rows}
      </div>
      <p class="quiet">{count(lines.length)} {lines.length === 1 ? "line" : "lines"}{lines.length >= LINES_MAX && ", no more are shown"}</p>
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
