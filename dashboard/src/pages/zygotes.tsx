// Processes: the engines, and the zygote of each function that is in use, with its memory.

import { useState } from "preact/hooks";

import { listFunctions, listZygotes, readiness } from "../api/endpoints";
import type { Fn, Zygote } from "../api/types";
import { Badge, Empty, Failure, Section, Table, Tile, Waiting } from "../components/basics";
import { bytes, count, mb, ms } from "../lib/format";
import { useLoad } from "../lib/load";
import { to } from "../lib/router";

const ROWS = 100;

export function Zygotes() {
  const zygotes = useLoad(listZygotes, [], 10_000);
  const functions = useLoad(listFunctions, [], 10_000);
  const live = zygotes.data?.zygotes ?? [];
  const all = functions.data?.functions ?? [];
  const add = (of: (fn: Fn) => number) => all.reduce((sum, fn) => sum + of(fn), 0);
  const held = live.reduce((sum, zygote) => sum + (zygote.memory?.proportional ?? 0), 0);
  return (
    <>
      <header class="page-head"><h1>Zygotes</h1></header>
      {zygotes.error && <Failure error={zygotes.error} again={zygotes.reload} />}
      {!zygotes.data && !zygotes.error && <Waiting what="zygotes" />}
      {zygotes.data && functions.data && (
        <dl class="tiles">
          <Tile label="Function zygotes" value={count(live.length)} note={`of ${count(all.length)} functions`} />
          <Tile label="Memory of zygotes" value={bytes(held)} note={live.length > 0 ? `${bytes(held / live.length)} each, shared pages in parts` : "shared pages in parts"} />
          <Tile label="Instances" value={count(add((fn) => fn.processes.instances))} />
          <Tile label="Idle" value={count(add((fn) => fn.processes.idlePids.length))} note="wait for a further invocation" />
          <Tile label="Parked" value={count(add((fn) => fn.processes.parkedPids.length))} note="forked ahead of demand" />
          <Tile label="Not forkable" value={count(live.filter((zygote) => zygote.unforkable.length > 0).length)} note="instances load the code" />
        </dl>
      )}
      <Languages />
      <Section title="Function zygotes">
        {zygotes.data && live.length === 0 && <Empty title="No zygote now"><p>The first invocation of a function makes one.</p></Empty>}
        {live.length > 0 && <List zygotes={live} functions={new Map(all.map((fn) => [fn.id, fn]))} />}
      </Section>
    </>
  );
}

function Languages() {
  const { data, error } = useLoad(readiness, [], 15_000);
  return (
    <Section title="Language zygotes">
      {error && <Failure error={error} />}
      {data && (
        <Table label="Language zygotes">
          <thead><tr><th scope="col">Language</th><th scope="col">Engine</th><th scope="col">State</th><th scope="col" class="number">Start</th></tr></thead>
          <tbody>
            {Object.entries(data.runtimes).map(([name, state]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td class="wrap">{state.status === "ready" ? state.engine : state.reason}</td>
                <td><Badge tone={state.status === "ready" ? "good" : "warn"}>{state.status}</Badge></td>
                <td class="number">{state.status === "ready" ? ms(state.bootMs) : "–"}</td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
    </Section>
  );
}

function List({ zygotes, functions }: { zygotes: Zygote[]; functions: Map<string, Fn> }) {
  const [rows, setRows] = useState(ROWS);
  return (
    <>
      <Table label="Function zygotes">
        <thead>
          <tr>
            <th scope="col">Function</th><th scope="col">Version</th><th scope="col" class="number">Process</th><th scope="col">Forks</th>
            <th scope="col" class="number">Load</th><th scope="col" class="number">Instances</th><th scope="col" class="number">Resident</th>
            <th scope="col" class="number">Proportional</th><th scope="col" class="number">Private</th><th scope="col" class="number">Limit</th>
          </tr>
        </thead>
        <tbody>
          {zygotes.slice(0, rows).map((zygote) => {
            const fn = functions.get(zygote.functionId);
            const { memory } = zygote;
            return (
              <tr key={zygote.functionId}>
                <th scope="row" class="name"><a href={to("functions", zygote.function)}>{zygote.function}</a></th>
                <td class="mono">v{zygote.version}</td>
                <td class="number mono">{zygote.pid}</td>
                <td>
                  {zygote.unforkable.length > 0 ? <span title={zygote.unforkable.join(", ")}><Badge tone="warn">engine only</Badge></span> : <Badge tone="good">loaded code</Badge>}
                </td>
                <td class="number">{ms(zygote.bootMs)}</td>
                <td class="number">{fn ? count(fn.processes.instances) : "–"}</td>
                <td class="number">{memory ? bytes(memory.resident) : "–"}</td>
                <td class="number">{memory ? bytes(memory.proportional) : "–"}</td>
                <td class="number">{memory ? bytes(memory.private) : "–"}</td>
                <td class="number">{fn ? mb(fn.memory) : "–"}</td>
              </tr>
            );
          })}
        </tbody>
      </Table>
      {zygotes.length > rows && <button type="button" onClick={() => setRows(rows + ROWS)}>Show more of {count(zygotes.length)}</button>}
      <p class="hint">Resident counts shared pages in full, proportional by the number of processes that share them; private pages are the zygote's own.</p>
    </>
  );
}
