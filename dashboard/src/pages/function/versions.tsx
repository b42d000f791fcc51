// All versions: what changed between two of them, and the way back with one press.

import { useState } from "preact/hooks";

import { listVersions, rollBack } from "../../api/endpoints";
import type { Version } from "../../api/types";
import { Action, Badge, Failure, Section, Table, Waiting } from "../../components/basics";
import { ago, bytes, dateTime, mb, ms } from "../../lib/format";
import { useAction, useLoad } from "../../lib/load";
import { tell } from "../../lib/notices";
import { Comparison } from "./comparison";
import type { TabProps } from "./page";
import { RolloutSection } from "./rollout";

export function Versions({ fn, reload }: TabProps) {
  const versions = useLoad((signal) => listVersions(fn.id, signal), [fn.id, fn.version], 10_000);
  const { busy, error, run } = useAction();
  const [pair, setPair] = useState<[number, number]>();
  const { data } = versions;
  if (versions.error && !data) return <Failure error={versions.error} again={versions.reload} />;
  if (!data) return <Waiting what="versions" />;

  const move = (version: number, back: number) =>
    run(async () => {
      const started = performance.now();
      await rollBack(fn.id, version);
      const took = ms(performance.now() - started);
      tell(`Version ${version} serves now, after ${took}`, { label: "Undo", act: () => move(back, version) });
      reload();
      versions.reload();
    });
  const newest = data.versions[0]?.version ?? fn.version;
  const before = data.versions.find((one) => one.version < newest)?.version ?? newest;
  const compared = pair ?? [before, newest];
  return (
    <>
      {error && <Failure error={error} />}
      <Table label="Versions">
        <thead>
          <tr>
            <th scope="col">Version</th><th scope="col">Made</th><th scope="col">By</th><th scope="col">Handler</th>
            <th scope="col" class="number">Memory</th><th scope="col" class="number">Timeout</th>
            <th scope="col" class="number">Archive</th><th scope="col"><span class="hidden">Actions</span></th>
          </tr>
        </thead>
        <tbody>
          {data.versions.map((one) => (
            <Row key={one.version} one={one} busy={busy} move={() => move(one.version, fn.version)}
              compare={() => setPair(one.version < fn.version ? [one.version, fn.version] : [fn.version, one.version])} />
          ))}
        </tbody>
      </Table>
      <RolloutSection id={fn.id} current={fn.version} versions={data.versions}
        moved={() => { reload(); versions.reload(); }} />
      {data.versions.length > 1 && (
        <Section title="Changes" aside={<Pair versions={data.versions} pair={compared} choose={setPair} />}>
          <Comparison fn={fn} versions={data.versions} pair={compared} />
        </Section>
      )}
    </>
  );
}

function Row({ one, busy, move, compare }: { one: Version; busy: boolean; move: () => void; compare: () => void }) {
  return (
    <tr class={one.current ? "chosen" : ""}>
      <th scope="row" class="nowrap">
        <span class="mono">v{one.version}</span> {one.current && <Badge tone="good">serves</Badge>}
        {one.aliases.map((alias) => <Badge key={alias} tone="accent">{alias}</Badge>)}
      </th>
      <td title={dateTime(one.createdAt)} class="nowrap">{ago(one.createdAt)}</td>
      <td class="wrap">{one.createdBy}</td>
      <td class="mono wrap">{one.handler}</td>
      <td class="number">{mb(one.memory)}</td>
      <td class="number">{ms(one.timeout)}</td>
      <td class="number">{bytes(one.archiveBytes)}</td>
      <td class="row-actions">
        {!one.current && (
          <>
            <button type="button" onClick={compare} aria-label={`Compare version ${one.version} with the one that serves`}>Compare</button>
            <Action needs="deploy" busy={busy} act={move} label={`Roll back to version ${one.version}`}>Roll back</Action>
          </>
        )}
      </td>
    </tr>
  );
}

function Pair(props: { versions: Version[]; pair: [number, number]; choose: (pair: [number, number]) => void }) {
  const { versions, pair, choose } = props;
  const select = (label: string, at: 0 | 1) => (
    <label>
      <span class="quiet">{label}</span>{" "}
      <select value={pair[at]} onChange={(event) => {
        const chosen = Number(event.currentTarget.value);
        choose(at === 0 ? [chosen, pair[1]] : [pair[0], chosen]);
      }}>
        {versions.map((one) => <option key={one.version} value={one.version}>v{one.version}</option>)}
      </select>
    </label>
  );
  return <>{select("from", 0)} {select("to", 1)}</>;
}
