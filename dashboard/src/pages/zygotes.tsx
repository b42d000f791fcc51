// Processes: the engines, and the zygote of each function that is in use.

import { useState } from "preact/hooks";

import { listFunctions, platformMetrics, readiness } from "../api/endpoints";
import { Badge, Empty, Failure, Section, Table, Tile, Waiting } from "../components/basics";
import { count, mb, ms } from "../lib/format";
import { useLoad } from "../lib/load";
import { to } from "../lib/router";

const ROWS = 100;

export function Zygotes() {
  const functions = useLoad(listFunctions, [], 5_000);
  const runtimes = useLoad(readiness, [], 15_000);
  const metrics = useLoad((signal) => platformMetrics("1h", signal), [], 10_000);
  const [rows, setRows] = useState(ROWS);
  const all = functions.data?.functions ?? [];
  const live = all.filter((fn) => typeof fn.processes.zygotePid === "number");
  const add = (of: (fn: (typeof live)[number]) => number) => live.reduce((sum, fn) => sum + of(fn), 0);
  const memory = new Map(metrics.data?.functions.map((one) => [one.functionId, one.metrics]));
  return (
    <>
      <header class="page-head"><h1>Zygotes</h1></header>
      {functions.error && <Failure error={functions.error} again={functions.reload} />}
      {!functions.data && !functions.error && <Waiting what="zygotes" />}
      {functions.data && (
        <dl class="tiles">
          <Tile label="Function zygotes" value={count(live.length)} note={`of ${count(all.length)} functions`} />
          <Tile label="Instances" value={count(add((fn) => fn.processes.instances))} />
          <Tile label="Idle" value={count(add((fn) => fn.processes.idlePids.length))} note="wait for a further invocation" />
          <Tile label="Parked" value={count(add((fn) => fn.processes.parkedPids.length))} note="forked ahead of demand" />
          <Tile label="Not forkable" value={count(live.filter((fn) => fn.snapshot?.kind === "runtime").length)} note="instances load the code themselves" />
        </dl>
      )}
      <Section title="Language zygotes">
        {runtimes.data && (
          <Table label="Language zygotes">
            <thead><tr><th scope="col">Language</th><th scope="col">Engine</th><th scope="col">State</th><th scope="col" class="number">Start</th></tr></thead>
            <tbody>
              {Object.entries(runtimes.data.runtimes).map(([name, state]) => (
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
      <Section title="Function zygotes">
        {functions.data && live.length === 0 && <Empty title="No zygote now"><p>The first invocation of a function makes one.</p></Empty>}
        {live.length > 0 && (
          <Table label="Function zygotes">
            <thead>
              <tr>
                <th scope="col">Function</th><th scope="col" class="number">Process</th><th scope="col">Forks</th><th scope="col" class="number">Load</th>
                <th scope="col" class="number">Instances</th><th scope="col" class="number">Idle</th><th scope="col" class="number">Parked</th>
                <th scope="col" class="number">Memory, average</th><th scope="col" class="number">Memory, peak</th><th scope="col" class="number">Limit</th>
              </tr>
            </thead>
            <tbody>
              {live.slice(0, rows).map((fn) => {
                const figures = memory.get(fn.id);
                return (
                  <tr key={fn.id}>
                    <th scope="row" class="name"><a href={to("functions", fn.name)}>{fn.name}</a></th>
                    <td class="number mono">{fn.processes.zygotePid}</td>
                    <td>{fn.snapshot?.kind === "runtime" ? <span title={fn.snapshot.unforkable?.join(", ")}><Badge tone="warn">engine only</Badge></span> : <Badge tone="good">loaded code</Badge>}</td>
                    <td class="number">{fn.snapshot ? ms(fn.snapshot.bootMs) : "–"}</td>
                    <td class="number">{count(fn.processes.instances)}</td>
                    <td class="number">{count(fn.processes.idlePids.length)}</td>
                    <td class="number">{count(fn.processes.parkedPids.length)}</td>
                    <td class="number">{figures && figures.invocations > 0 ? mb(figures.avgMemoryMb) : "–"}</td>
                    <td class="number">{figures && figures.invocations > 0 ? mb(figures.maxMemoryMb) : "–"}</td>
                    <td class="number">{mb(fn.memory)}</td>
                  </tr>
                );
              })}
            </tbody>
          </Table>
        )}
        {live.length > rows && <button type="button" onClick={() => setRows(rows + ROWS)}>Show more of {count(live.length)}</button>}
        <p class="quiet">Memory is that of instances when they answered.</p>
      </Section>
    </>
  );
}
