// What invokes the function besides the invoke call, and when next.

import { fireTrigger, listTriggers } from "../../api/endpoints";
import type { TriggerState } from "../../api/types";
import { Action, Badge, Empty, Failure, Section, Waiting } from "../../components/basics";
import { ago, count, dateTime } from "../../lib/format";
import { useAction, useLoad } from "../../lib/load";
import { tell } from "../../lib/notices";
import type { TabProps } from "./page";

export function Triggers({ fn }: TabProps) {
  const { data, error, reload } = useLoad((signal) => listTriggers(fn.id, signal), [fn.id, fn.version], 10_000);
  return (
    <>
      <Section title="Addresses">
        <ul class="plain-list">
          {fn.endpoints.map((endpoint) => <li key={endpoint} class="mono wrap">{endpoint}</li>)}
        </ul>
      </Section>
      {error && <Failure error={error} again={reload} />}
      {!data && !error && <Waiting what="triggers" />}
      {data && data.triggers.length === 0 && (
        <Empty title="No triggers"><p>The invoke call alone leads here. Triggers are settings of a version: <code>triggers</code> in the API.</p></Empty>
      )}
      {data?.triggers.map((trigger) => <One key={trigger.number} id={fn.id} trigger={trigger} />)}
    </>
  );
}

function One({ id, trigger }: { id: string; trigger: TriggerState }) {
  const { busy, error, run } = useAction();
  const fire = () =>
    run(async () => {
      const fired = await fireTrigger(id, trigger.number);
      tell(`Trigger ${trigger.number} fired: ${fired.requestId}`);
    });
  const canFire = trigger.type === "cron";
  return (
    <Section title={title(trigger)} aside={
      <>
        <Badge tone="accent">{trigger.type}</Badge>
        {canFire && <Action needs="invoke" busy={busy} act={fire} label={`Fire now: trigger ${trigger.number}`}>Fire now</Action>}
      </>
    }>
      {error && <Failure error={error} />}
      <dl class="pairs">
        {Object.entries(trigger.config).map(([name, value]) => (
          <div key={name}><dt>{name}</dt><dd class="mono wrap">{typeof value === "string" ? value : JSON.stringify(value)}</dd></div>
        ))}
      </dl>
      {trigger.nextRuns && trigger.nextRuns.length > 0 && (
        <>
          <h3>Next runs</h3>
          <ol class="plain-list">
            {trigger.nextRuns.map((time) => <li key={time}><span class="mono">{dateTime(time)}</span> <span class="quiet">{ago(time)}</span></li>)}
          </ol>
        </>
      )}
      {trigger.source && (
        <p class="sub">
          <Badge tone={trigger.source.state === "consuming" ? "good" : "warn"}>{trigger.source.state}</Badge>
          {trigger.source.reason && <span class="wrap">{trigger.source.reason}</span>}
          <span>{count(trigger.source.inHand)} in hand, {count(trigger.source.delivered)} delivered, {count(trigger.source.failed)} failed, {count(trigger.source.dead)} dead</span>
        </p>
      )}
    </Section>
  );
}

function title({ type, config }: TriggerState): string {
  const text = (name: string) => (typeof config[name] === "string" ? config[name] : undefined);
  if (type === "http") {
    const methods = Array.isArray(config.methods) ? config.methods.join(", ") : "Any method";
    return `${methods} ${text("path") ?? "/*"}`;
  }
  if (type === "cron") return `Schedule ${text("schedule") ?? ""} ${text("timezone") ?? "UTC"}`;
  if (type === "event") return `Event ${text("eventType") ?? text("pattern") ?? ""}`;
  if (type === "queue") return `Queue ${text("stream") ?? text("queue") ?? ""}`;
  return "Connections";
}
