// The platform on one page.

import { useState } from "preact/hooks";

import { listAlerts, listDeadLetters, platformMetrics, platformSeries, readiness } from "../api/endpoints";
import { Badge, Empty, Failure, Section, Table, Tile, Waiting } from "../components/basics";
import { Histogram } from "../components/histogram";
import { Ranges } from "../components/ranges";
import { RedCharts } from "../components/red-charts";
import { count, mb, ms, percent, span, usd } from "../lib/format";
import { useLoad } from "../lib/load";
import { to } from "../lib/router";
import { RANGES, START_KINDS } from "../lib/series";

const EVERY_MS = 5_000;

export function Overview() {
  const [range, setRange] = useState(RANGES[0]!);
  const metrics = useLoad((signal) => platformMetrics(range.since, signal), [range.since], EVERY_MS);
  const series = useLoad((signal) => platformSeries(range.since, range.step, signal), [range.since], EVERY_MS);
  const { data, error } = metrics;
  return (
    <>
      <header class="page-head">
        <h1>Overview</h1>
        <Ranges range={range} choose={setRange} />
      </header>
      {error && <Failure error={error} again={metrics.reload} />}
      {!data && !error && <Waiting what="figures" />}
      {data && (
        <dl class="tiles">
          <Tile label="Functions" value={count(data.platform.functions)} />
          <Tile label="Instances now" value={count(data.platform.instances)} />
          <Tile label="Invocations" value={count(data.platform.invocations)} note={`last ${range.label}`} />
          <Tile label="Error rate" value={percent(data.platform.errorRate)} tone={data.platform.errorRate > 5 ? "bad" : "plain"}
            note={`${count(data.platform.errors)} errors`} />
          <Tile label="Cold start rate" value={percent(data.platform.coldStartRate)}
            note={data.platform.coldStarts > 0 ? `${ms(data.platform.avgColdStartDuration)} on average` : "no cold starts"} />
          <Tile label="Duration p95" value={ms(data.platform.p95Duration)} note={`p50 ${ms(data.platform.p50Duration)}`} />
          <Tile label="Cost" value={usd(data.platform.totalCost)} note={`last ${range.label}`} />
          <Tile label="Up for" value={span(data.platform.uptimeMs)} />
        </dl>
      )}
      {series.data && <RedCharts series={series.data} range={range} />}
      <div class="columns">
        {data && (
          <Section title="How instances started">
            <Histogram label="Start kinds" bars={START_KINDS.map((kind) => ({ name: kind, value: data.platform.startKinds[kind], colour: `start-${kind}` }))} />
            <p class="quiet">Memory of an instance: {mb(data.platform.avgMemoryMb)} on average, {mb(data.platform.maxMemoryMb)} at most.</p>
          </Section>
        )}
        <Languages />
        <Attention />
      </div>
      {data && <Busiest functions={data.functions} />}
    </>
  );
}

function Languages() {
  const { data } = useLoad(readiness, [], 15_000);
  return (
    <Section title="Languages">
      {!data && <Waiting what="languages" />}
      {data && (
        <ul class="plain-list">
          {Object.entries(data.runtimes).map(([name, state]) => (
            <li key={name} class="spread">
              <span>{name}</span>
              {state.status === "ready" ? (
                <span title={`started in ${ms(state.bootMs)}`}><span class="quiet">{state.engine}</span> <Badge tone="good">ready</Badge></span>
              ) : (
                <span title={state.reason}><Badge tone="warn">unavailable</Badge></span>
              )}
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function Attention() {
  const alerts = useLoad(listAlerts, [], EVERY_MS);
  const letters = useLoad((signal) => listDeadLetters(null, signal), [], EVERY_MS);
  const firing = alerts.data?.alerts.filter((alert) => alert.state === "firing") ?? [];
  const dead = letters.data?.deadLetters.length ?? 0;
  const more = letters.data?.nextCursor ? "+" : "";
  return (
    <Section title="Needs attention">
      <ul class="plain-list">
        <li class="spread"><a href="#/alerts">Alerts that fire</a><Badge tone={firing.length ? "bad" : "good"}>{count(firing.length)}</Badge></li>
        <li class="spread"><a href="#/dead-letters">Dead letters</a><Badge tone={dead ? "warn" : "good"}>{count(dead)}{more}</Badge></li>
      </ul>
    </Section>
  );
}

type Rows = Awaited<ReturnType<typeof platformMetrics>>["functions"];

function Busiest({ functions }: { functions: Rows }) {
  const rows = [...functions].sort((a, b) => b.metrics.invocations - a.metrics.invocations).slice(0, 8);
  return (
    <Section title="Busiest functions" aside={<a href="#/functions">All functions</a>}>
      {rows.length === 0 ? (
        <Empty title="No functions yet"><p><a href="#/new">Deploy the first one</a>, or take one from the <a href="#/marketplace">marketplace</a>.</p></Empty>
      ) : (
        <Table label="Busiest functions">
          <thead>
            <tr><th scope="col">Function</th><th scope="col" class="number">Invocations</th><th scope="col" class="number">Errors</th>
              <th scope="col" class="number">Cold starts</th><th scope="col" class="number">p95</th><th scope="col" class="number">Memory</th><th scope="col" class="number">Cost</th></tr>
          </thead>
          <tbody>
            {rows.map(({ function: name, metrics }) => (
              <tr key={name}>
                <th scope="row" class="name"><a href={to("functions", name)}>{name}</a></th>
                <td class="number">{count(metrics.invocations)}</td>
                <td class={`number ${metrics.errorRate > 5 ? "tone-bad" : ""}`}>{percent(metrics.errorRate)}</td>
                <td class="number">{percent(metrics.coldStartRate)}</td>
                <td class="number">{ms(metrics.p95Duration)}</td>
                <td class="number">{mb(metrics.maxMemoryMb)}</td>
                <td class="number">{usd(metrics.totalCost)}</td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
      <p class="quiet">Figures of a function in this list are those of all time.</p>
    </Section>
  );
}
