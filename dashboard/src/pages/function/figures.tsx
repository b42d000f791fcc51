// Rate, errors, duration, starts, memory, cost of one function.

import { useState } from "preact/hooks";

import { functionCost, functionMetrics, functionSeries } from "../../api/endpoints";
import type { Fn, Figures as Sums } from "../../api/types";
import { Failure, Section, Table, Tile, Waiting } from "../../components/basics";
import { Histogram } from "../../components/histogram";
import { Ranges } from "../../components/ranges";
import { RedCharts } from "../../components/red-charts";
import { count, mb, ms, percent, usd } from "../../lib/format";
import { useLoad } from "../../lib/load";
import { RANGES, START_KINDS } from "../../lib/series";
import type { TabProps } from "./page";

const EVERY_MS = 5_000;

export function Figures({ fn }: TabProps) {
  const [range, setRange] = useState(RANGES[0]!);
  const metrics = useLoad((signal) => functionMetrics(fn.id, range.since, signal), [fn.id, range.since], EVERY_MS);
  const series = useLoad((signal) => functionSeries(fn.id, range.since, range.step, signal), [fn.id, range.since], EVERY_MS);
  const figures = metrics.data?.metrics;
  const error = metrics.error ?? series.error;
  return (
    <>
      <div class="bar"><Ranges range={range} choose={setRange} /></div>
      {error && <Failure error={error} again={() => { metrics.reload(); series.reload(); }} />}
      {!figures && !error && <Waiting what="figures" />}
      {figures && <Tiles figures={figures} concurrency={figures.concurrency} label={range.label} fn={fn} />}
      {series.data && <RedCharts series={series.data} range={range} limitMb={fn.memory} />}
      <div class="columns">
        {figures && (
          <Section title="Start kinds">
            <Histogram label="Start kinds"
              bars={START_KINDS.map((kind) => ({ name: kind, value: figures.startKinds[kind], colour: `start-${kind}` }))} />
          </Section>
        )}
        {figures && <ErrorKinds figures={figures} />}
        <Cost fn={fn} />
      </div>
    </>
  );
}

function Tiles({ figures, concurrency, label, fn }: { figures: Sums; concurrency: number; label: string; fn: Fn }) {
  const { idlePids, parkedPids, instances } = fn.processes;
  return (
    <dl class="tiles">
      <Tile label="Invocations" value={count(figures.invocations)} note={`last ${label}`} />
      <Tile label="Error rate" value={percent(figures.errorRate)} tone={figures.errorRate > 5 ? "bad" : "plain"} note={`${count(figures.errors)} errors, ${count(figures.throttles)} throttled`} />
      <Tile label="Duration p95" value={ms(figures.p95Duration)} note={`p50 ${ms(figures.p50Duration)}, p99 ${ms(figures.p99Duration)}`} />
      <Tile label="Cold start rate" value={percent(figures.coldStartRate)}
        note={figures.coldStarts > 0 ? `${ms(figures.avgColdStartDuration)} on average` : "no cold starts"} />
      <Tile label="Memory, peak" value={mb(figures.maxMemoryMb)} note={`of ${mb(fn.memory)}`} />
      <Tile label="Under way" value={count(concurrency)} note={concurrency === 1 ? "invocation now" : "invocations now"} />
      <Tile label="Instances" value={count(instances)} note={`${idlePids.length} idle, ${parkedPids.length} parked`} />
      <Tile label="Cost" value={usd(figures.totalCost)} note={`last ${label}`} />
    </dl>
  );
}

function ErrorKinds({ figures }: { figures: Sums }) {
  const kinds = Object.entries(figures.errorsByKind).sort(([, a], [, b]) => b - a);
  return (
    <Section title="Errors by kind">
      {kinds.length === 0 ? <p class="quiet">No errors in this time.</p> : (
        <Histogram label="Errors by kind" bars={kinds.map(([name, value]) => ({ name: name.replaceAll("_", " "), value, colour: "series-bad" }))} />
      )}
    </Section>
  );
}

function Cost({ fn }: { fn: Fn }) {
  const { data, error } = useLoad((signal) => functionCost(fn.id, "30d", signal), [fn.id], 30_000);
  return (
    <Section title="Cost, last 30 days">
      {error && <Failure error={error} />}
      {data && (
        <>
          <p class="spread"><span>Requests</span><span class="number">{usd(data.requestCost)}</span></p>
          <p class="spread"><span>Compute, {Number(data.gbSeconds.toPrecision(3))} GB-s</span><span class="number">{usd(data.computeCost)}</span></p>
          <p class="spread total"><b>Total</b><b class="number">{usd(data.total)}</b></p>
          {data.days.length > 0 && (
            <Table label="Cost by day">
              <thead><tr><th scope="col">Day</th><th scope="col" class="number">Invocations</th><th scope="col" class="number">Cost</th></tr></thead>
              <tbody>
                {data.days.slice(-7).reverse().map((day) => (
                  <tr key={day.day}><th scope="row">{day.day}</th><td class="number">{count(day.invocations)}</td><td class="number">{usd(day.cost)}</td></tr>
                ))}
              </tbody>
            </Table>
          )}
        </>
      )}
    </Section>
  );
}
