// A part of the calls on another version: how both do, and what to make of it.

import { useState } from "preact/hooks";

import { ApiError } from "../../api/client";
import { endRollout, promoteRollout, setRollout, showRollout } from "../../api/endpoints";
import type { Rollout, RolloutSide, Version } from "../../api/types";
import { Action, Badge, Failure, Field, Section, Table } from "../../components/basics";
import { count, ms, percent } from "../../lib/format";
import { useAction, useLoad } from "../../lib/load";
import { tell } from "../../lib/notices";

interface Props {
  id: string;
  current: number;
  versions: Version[];
  /** The function serves another version now. */
  moved: () => void;
}

/** No rollout is nothing to be told of. */
const ask = async (id: string, signal: AbortSignal): Promise<Rollout | null> => {
  try {
    return (await showRollout(id, signal)).rollout;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
};

export function RolloutSection({ id, current, versions, moved }: Props) {
  const { data, error, reload } = useLoad((signal) => ask(id, signal), [id, current], 2_000);
  if (error && !data) return <Failure error={error} again={reload} />;
  if (data === undefined) return null;
  if (data) return <Running id={id} rollout={data} changed={reload} moved={moved} />;
  const others = versions.filter((one) => one.version !== current);
  return others.length > 0 ? <Start id={id} versions={others} changed={reload} /> : null;
}

function Start({ id, versions, changed }: { id: string; versions: Version[]; changed: () => void }) {
  const [version, setVersion] = useState(versions[0]!.version);
  const [part, setPart] = useState("10");
  const [errors, setErrors] = useState("5");
  const { busy, error, run } = useAction();
  const begin = () =>
    run(async () => {
      const rollback = errors === "" ? undefined : { errorRate: Number(errors) / 100 };
      await setRollout(id, { version, percent: Number(part), rollback });
      tell(`${part} % of the calls go to version ${version}`);
      changed();
    });
  return (
    <Section title="Rollout">
      {error && <Failure error={error} />}
      <form class="settings" onSubmit={(event) => event.preventDefault()}>
        <Field label="Version">
          {(field) => (
            <select id={field} value={version} onChange={(event) => setVersion(Number(event.currentTarget.value))}>
              {versions.map((one) => <option key={one.version} value={one.version}>v{one.version}</option>)}
            </select>
          )}
        </Field>
        <Field label="Percent of the calls">
          {(field) => <input id={field} type="number" min={0} max={100} value={part} onInput={(event) => setPart(event.currentTarget.value)} />}
        </Field>
        <Field label="Taken back beyond so many percent of errors">
          {(field) => <input id={field} type="number" min={0} max={100} value={errors} placeholder="never" onInput={(event) => setErrors(event.currentTarget.value)} />}
        </Field>
        <Action needs="deploy" busy={busy} unless={part === "" ? "Say how many calls." : undefined} act={begin}>Begin</Action>
      </form>
    </Section>
  );
}

function Running({ id, rollout, changed, moved }: { id: string; rollout: Rollout; changed: () => void; moved: () => void }) {
  const { busy, error, run } = useAction();
  const { version, percent: part } = rollout.settings;
  const act = (work: () => Promise<unknown>, said: string, then: () => void) => () =>
    run(async () => {
      await work();
      tell(said);
      then();
      changed();
    });
  const promote = act(() => promoteRollout(id), `Version ${version} serves all calls now`, moved);
  const end = act(() => endRollout(id), "The rollout has ended", () => undefined);
  const aside = (
    <>
      <Action needs="deploy" busy={busy} act={end}>End</Action>{" "}
      <Action needs="deploy" kind="primary" busy={busy} act={promote}>Promote</Action>
    </>
  );
  return (
    <Section title="Rollout" aside={aside}>
      {error && <Failure error={error} />}
      {rollout.state === "running"
        ? <p><Badge tone="accent">running</Badge> {part} % of the calls go to version {version}.</p>
        : <p role="alert"><Badge tone="bad">taken back</Badge> Version {version} gets no more calls: {rollout.reason}</p>}
      <Table label="Both versions">
        <thead>
          <tr>
            <th scope="col">Version</th><th scope="col" class="number">Invocations</th><th scope="col" class="number">Errors</th>
            <th scope="col" class="number">Error rate</th><th scope="col" class="number">95 of 100 took</th>
          </tr>
        </thead>
        <tbody>
          <Side side={rollout.current} what="serves" />
          <Side side={rollout.candidate} what="candidate" />
        </tbody>
      </Table>
      <Shadows rollout={rollout} />
    </Section>
  );
}

function Side({ side, what }: { side: RolloutSide; what: string }) {
  return (
    <tr>
      <th scope="row"><span class="mono">v{side.version}</span> {what}</th>
      <td class="number">{count(side.invocations)}</td>
      <td class="number">{count(side.errors)}</td>
      <td class="number">{percent(side.errorRate * 100)}</td>
      <td class="number">{side.invocations > 0 ? ms(side.p95Ms) : "–"}</td>
    </tr>
  );
}

function Shadows({ rollout: { shadows } }: { rollout: Rollout }) {
  if (shadows.same + shadows.different === 0) return null;
  return (
    <>
      <p>Repeated calls: {count(shadows.same)} answered alike, {count(shadows.different)} otherwise.</p>
      {shadows.differences.length > 0 && (
        <Table label="Answers that differ">
          <thead><tr><th scope="col">Request</th><th scope="col">What</th><th scope="col">Current</th><th scope="col">Candidate</th></tr></thead>
          <tbody>
            {shadows.differences.map((one) => (
              <tr key={one.requestId}>
                <td class="mono wrap">{one.requestId}</td><td>{one.field}</td>
                <td class="mono wrap">{one.current}</td><td class="mono wrap">{one.candidate}</td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
    </>
  );
}
