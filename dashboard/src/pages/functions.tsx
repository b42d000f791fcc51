// All functions, a page at a time, each with its last hour.

import { useContext, useMemo, useState } from "preact/hooks";

import { functionSeries, listFunctions } from "../api/endpoints";
import type { Fn } from "../api/types";
import { Action, Badge, Empty, Failure, Table, Waiting } from "../components/basics";
import { Sparkline } from "../components/sparkline";
import { ago, count, ms, percent } from "../lib/format";
import { useLoad } from "../lib/load";
import { go, to } from "../lib/router";
import { RANGES, spread, sums } from "../lib/series";
import { Session } from "../lib/session";
import { Turns } from "../lib/turns";

const ROWS = 25;
const HOUR = RANGES[0]!;
/** Series that are asked for at the same time. */
const turns = new Turns(4);

export function Functions() {
  const { data, error, reload } = useLoad(listFunctions, [], 10_000);
  const [text, setText] = useState("");
  const [page, setPage] = useState(0);
  const found = useMemo(() => matching(data?.functions ?? [], text), [data, text]);
  const last = Math.max(0, Math.ceil(found.length / ROWS) - 1);
  const here = Math.min(page, last);
  const rows = found.slice(here * ROWS, (here + 1) * ROWS);
  return (
    <>
      <header class="page-head">
        <h1>Functions {data && <span class="quiet">{count(data.total)}</span>}</h1>
        <div class="page-actions">
          <input type="search" aria-label="Filter functions" placeholder="Filter by name, language, trigger" value={text}
            onInput={(event) => { setText(event.currentTarget.value); setPage(0); }} />
          <Action needs="deploy" kind="primary" act={() => go("new")}>New function</Action>
        </div>
      </header>
      {error && <Failure error={error} again={reload} />}
      {!data && !error && <Waiting what="functions" />}
      {data && data.functions.length === 0 && (
        <Empty title="No functions yet">
          <p><a href="#/new">Deploy the first one</a>, or take one from the <a href="#/marketplace">marketplace</a>.</p>
        </Empty>
      )}
      {data && data.functions.length > 0 && found.length === 0 && <Empty title="No function matches"><p>Nothing contains “{text}”.</p></Empty>}
      {rows.length > 0 && <List rows={rows} />}
      {last > 0 && (
        <nav class="pager" aria-label="Pages of the list">
          <button type="button" disabled={here === 0} onClick={() => setPage(here - 1)}>Previous</button>
          <span>{here * ROWS + 1}–{Math.min(found.length, (here + 1) * ROWS)} of {count(found.length)}</span>
          <button type="button" disabled={here === last} onClick={() => setPage(here + 1)}>Next</button>
        </nav>
      )}
    </>
  );
}

function matching(functions: readonly Fn[], text: string): Fn[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return functions.filter((fn) => {
    const about = [fn.name, fn.id, fn.runtime, ...fn.triggers.map((trigger) => trigger.type)].join(" ").toLowerCase();
    return words.every((word) => about.includes(word));
  });
}

function List({ rows }: { rows: readonly Fn[] }) {
  return (
    <Table label="Functions">
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Last hour</th>
          <th scope="col" class="number">Invocations</th>
          <th scope="col" class="number">Errors</th>
          <th scope="col" class="number">Cold starts</th>
          <th scope="col" class="number">p95</th>
          <th scope="col" class="number">Instances</th>
          <th scope="col">Version</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((fn) => <Row key={fn.id} fn={fn} />)}
      </tbody>
    </Table>
  );
}

/** Two minutes a bar: thinner ones are hard to see. */
function pairs(values: number[]): number[] {
  return values.flatMap((value, at) => (at % 2 === 0 ? [value + (values[at + 1] ?? 0)] : []));
}

function Row({ fn }: { fn: Fn }) {
  const sees = useContext(Session).role !== "invoke";
  const ask = (signal: AbortSignal) => turns.take(() => functionSeries(fn.id, HOUR.since, HOUR.step, signal));
  const { data } = useLoad((signal) => (sees ? ask(signal) : Promise.resolve(undefined)), [fn.id], 15_000);
  const figures = data && sums(data.points);
  const none = !figures || figures.invocations === 0;
  const shape = data ? pairs(spread(data.points, HOUR, (point) => point.invocations, 0).values.map(Number)) : [];
  return (
    <tr>
      <th scope="row" class="name">
        <a href={to("functions", fn.name)}>{fn.name}</a>
        <span class="sub">
          {fn.runtime}
          {fn.triggers.map((trigger, at) => <Badge key={at}>{trigger.type}</Badge>)}
          {fn.circuitBreaker !== "closed" && <Badge tone="bad">circuit {fn.circuitBreaker.replace("_", " ")}</Badge>}
        </span>
      </th>
      <td><Sparkline values={shape} label={figures ? `${count(figures.invocations)} invocations in the last hour` : "loading"} /></td>
      <td class="number">{figures ? count(figures.invocations) : "…"}</td>
      <td class={`number ${figures && figures.errorRate > 5 ? "tone-bad" : ""}`}>{none ? "–" : percent(figures.errorRate)}</td>
      <td class="number">{none ? "–" : percent(figures.coldStartRate)}</td>
      <td class="number">{none ? "–" : ms(figures.p95)}</td>
      <td class="number">{count(fn.processes.instances)}</td>
      <td><span class="mono">v{fn.version}</span> <span class="quiet nowrap">{ago(fn.updatedAt)}</span></td>
    </tr>
  );
}
