// The settings that operators change most.

import { useState } from "preact/hooks";

import { updateFunction } from "../../api/endpoints";
import { Action, Failure, Field, Section } from "../../components/basics";
import { useAction } from "../../lib/load";
import { tell } from "../../lib/notices";
import type { TabProps } from "./page";

const FIELDS = [
  ["memory", "Memory limit of an instance, MB", 1],
  ["timeout", "Timeout of an invocation, ms", 1],
  ["concurrency", "Invocations at once in one instance", 1],
  ["parked", "Instances kept forked ahead", 0],
  ["minInstances", "Instances at least", 0],
  ["maxInstances", "Instances at most", 1],
] as const;

type Name = (typeof FIELDS)[number][0];

export function Settings({ fn, tag, reload }: TabProps) {
  const now: Record<Name, number | null> = {
    memory: fn.memory,
    timeout: fn.timeout,
    concurrency: fn.concurrency,
    parked: fn.scaling.parked ?? 0,
    minInstances: fn.scaling.minInstances ?? null,
    maxInstances: fn.scaling.maxInstances ?? null,
  };
  const [edited, setEdited] = useState<Partial<Record<Name, string>>>({});
  const { busy, error, run } = useAction();
  const value = (name: Name) => edited[name] ?? (now[name] === null ? "" : String(now[name]));
  const changed = FIELDS.filter(([name]) => edited[name] !== undefined && edited[name] !== String(now[name] ?? ""));

  const save = () =>
    run(async () => {
      const number = (name: Name) => (value(name) === "" ? null : Number(value(name)));
      const scaling = { ...fn.scaling, parked: number("parked") ?? 0, minInstances: number("minInstances"), maxInstances: number("maxInstances") };
      const change = { memory: number("memory")!, timeout: number("timeout")!, concurrency: number("concurrency")!, scaling };
      const done = await updateFunction(fn.id, change, tag);
      tell(`Version ${done.function.version} serves now`);
      setEdited({});
      reload();
    });
  return (
    <Section title="Settings">
      {error && <Failure error={error} />}
      <form class="settings" onSubmit={(event) => event.preventDefault()}>
        {FIELDS.map(([name, label, least]) => (
          <Field key={name} label={label}>
            {(id) => (
              <input id={id} type="number" min={least} step={1} value={value(name)} placeholder={name.endsWith("Instances") ? "as the preset says" : ""}
                onInput={(event) => { const text = event.currentTarget.value; setEdited((old) => ({ ...old, [name]: text })); }} />
            )}
          </Field>
        ))}
        <Action needs="deploy" kind="primary" busy={busy} unless={changed.length === 0 ? "Nothing has changed." : undefined} act={save}>Save as a new version</Action>
      </form>
    </Section>
  );
}
