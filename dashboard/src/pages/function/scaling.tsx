// How many instances are kept ready, and why.

import { showScaling } from "../../api/endpoints";
import type { ScalingState } from "../../api/types";
import { Empty, Failure, Section, Table, Tile, Waiting } from "../../components/basics";
import { ago, count, dateTime, percent, span } from "../../lib/format";
import { useLoad } from "../../lib/load";
import type { TabProps } from "./page";

export function Scaling({ fn }: TabProps) {
  const { data, error, reload } = useLoad((signal) => showScaling(fn.id, signal), [fn.id, fn.version], 2_000);
  if (error && !data) return <Failure error={error} again={reload} />;
  if (!data) return <Waiting what="scaling" />;
  return (
    <>
      <Now state={data} />
      <Section title="Expected calls"><Expected state={data} /></Section>
      <Section title="Decisions"><Decisions state={data} /></Section>
      <Section title="Settings"><Settings state={data} /></Section>
    </>
  );
}

function Now({ state: { ready, cause, instances, load } }: { state: ScalingState }) {
  return (
    <dl class="tiles">
      <Tile label="Kept ready" value={count(ready)} note={`asked for by: ${WORDS[cause] ?? cause}`} />
      <Tile label="Instances" value={count(instances.live)} note={`${count(instances.idle)} idle, ${count(instances.parked)} parked`} />
      <Tile label="Callers waiting" value={count(instances.waiting)} tone={instances.waiting > 10 ? "warn" : undefined} />
      <Tile label="Utilisation" value={percent(load.utilization * 100)} note="over 10 s" />
      <Tile label="Calls" value={`${load.callsPerSecond.toFixed(1)}/s`} note="over 10 s" />
      <Tile label="Cold starts" value={percent(load.coldStartRate * 100)} note="over a minute" />
      <Tile label="Beyond a second" value={percent(load.slowRate * 100)} note="over 10 s" />
    </dl>
  );
}

const WORDS: Record<string, string> = {
  minimum: "the minimum",
  scheduled: "scheduled warming",
  utilization: "utilisation",
  queue: "callers that wait",
  responseTime: "response time",
  coldStarts: "cold starts",
  calm: "load before",
  forecast: "the forecast",
};

function Expected({ state: { forecast, automatic } }: { state: ScalingState }) {
  if (!automatic) return <Empty title="Scaling is turned off on this platform" />;
  if (!forecast) return <p>Calls are coming in.</p>;
  return (
    <dl class="pairs">
      <div><dt>Why</dt><dd>{forecast.reason}</dd></div>
      <div><dt>An idle instance stays until</dt><dd>{dateTime(forecast.keepUntil)} <span class="quiet">{ago(forecast.keepUntil)}</span></dd></div>
      {forecast.prewarm && (
        <div><dt>Forked ahead</dt><dd>{count(forecast.prewarm.instances)} from {dateTime(forecast.prewarm.from)} to {dateTime(forecast.prewarm.until)}</dd></div>
      )}
      {forecast.lookAgainAt && <div><dt>Thought over again</dt><dd>{dateTime(forecast.lookAgainAt)}</dd></div>}
    </dl>
  );
}

function Decisions({ state: { decisions } }: { state: ScalingState }) {
  if (decisions.length === 0) return <Empty title="Nothing was changed since the platform's start" />;
  return (
    <Table label="Decisions">
      <thead><tr><th scope="col">Time</th><th scope="col" class="number">From</th><th scope="col" class="number">To</th><th scope="col">Why</th></tr></thead>
      <tbody>
        {decisions.map((decision, index) => (
          <tr key={index}>
            <td class="mono">{dateTime(decision.at)}</td>
            <td class="number">{count(decision.from)}</td>
            <td class="number">{count(decision.to)}</td>
            <td class="wrap">{decision.reason}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

function Settings({ state: { settings } }: { state: ScalingState }) {
  return (
    <dl class="pairs">
      <div><dt>Preset</dt><dd>{settings.preset}</dd></div>
      <div><dt>Instances</dt><dd>{count(settings.minInstances ?? 0)} to {count(settings.maxInstances ?? 0)}, {count(settings.parked ?? 0)} parked</dd></div>
      <div><dt>More above, fewer below</dt><dd>{percent((settings.scaleUpThreshold ?? 0) * 100)}, {percent((settings.scaleDownThreshold ?? 0) * 100)}</dd></div>
      <div><dt>Cooldown</dt><dd>{span((settings.cooldownPeriod ?? 0))}</dd></div>
      {settings.scheduled?.map((warming, index) => (
        <div key={index}><dt>Warming</dt><dd class="wrap">{count(warming.minInstances)} for {span(warming.duration)} at <code>{warming.schedule}</code> {warming.timezone ?? "UTC"}</dd></div>
      ))}
    </dl>
  );
}
