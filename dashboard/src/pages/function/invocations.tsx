// Invocations one by one, the newest first, and the phases of the one that is chosen.

import { useState } from "preact/hooks";

import { listInvocations } from "../../api/endpoints";
import type { Invocation } from "../../api/types";
import { Badge, Empty, Failure, Section, Table, Waiting } from "../../components/basics";
import { Waterfall } from "../../components/waterfall";
import { clock, count, dateTime, mb, ms, usd } from "../../lib/format";
import { useLoad } from "../../lib/load";
import type { TabProps } from "./page";

const ROWS = 50;

export function Invocations({ fn }: TabProps) {
  const [cursors, setCursors] = useState<string[]>([]);
  const [chosen, setChosen] = useState<Invocation>();
  const cursor = cursors[cursors.length - 1] ?? null;
  const every = cursor === null ? 3_000 : 0;
  const { data, error, reload } = useLoad((signal) => listInvocations(fn.id, ROWS, cursor, signal), [fn.id, cursor], every);
  if (error && !data) return <Failure error={error} again={reload} />;
  if (!data) return <Waiting what="invocations" />;
  if (data.invocations.length === 0) {
    return <Empty title="Not invoked yet"><p>Try it on the <a href={`#/functions/${encodeURIComponent(fn.name)}/test`}>test page</a>.</p></Empty>;
  }
  const shown = chosen ?? data.invocations[0]!;
  return (
    <div class="split">
      <div>
        <Table label="Invocations">
          <thead>
            <tr>
              <th scope="col">Time</th><th scope="col">Outcome</th><th scope="col">Start</th><th scope="col">Trigger</th>
              <th scope="col" class="number">Duration</th><th scope="col" class="number">Memory</th><th scope="col">Version</th>
            </tr>
          </thead>
          <tbody>
            {data.invocations.map((one) => (
              <tr key={one.requestId} class={one.requestId === shown.requestId ? "chosen" : ""}>
                <th scope="row">
                  <button type="button" class="button-link mono" aria-pressed={one.requestId === shown.requestId}
                    onClick={() => setChosen(one)}>{clock(one.time)}</button>
                </th>
                <td><Outcome outcome={one.outcome} />{one.count > 1 && <span class="quiet"> × {count(one.count)}</span>}</td>
                <td>{one.startKind ?? "–"}</td>
                <td>{one.trigger}</td>
                <td class="number">{ms(one.durationMs)}</td>
                <td class="number">{mb(one.memoryMb)}</td>
                <td class="mono">v{one.version}</td>
              </tr>
            ))}
          </tbody>
        </Table>
        <nav class="pager" aria-label="Pages of invocations">
          <button type="button" disabled={cursors.length === 0} onClick={() => setCursors(cursors.slice(0, -1))}>Newer</button>
          <button type="button" disabled={!data.nextCursor} onClick={() => data.nextCursor && setCursors([...cursors, data.nextCursor])}>Older</button>
        </nav>
      </div>
      <Section title="Waterfall">
        <p class="mono wrap">{shown.requestId}</p>
        <p class="sub"><Outcome outcome={shown.outcome} /> <span>{dateTime(shown.time)}</span></p>
        <Waterfall timeline={shown.timeline} />
        <p class="spread"><span>Billed</span><span class="number">{count(shown.billedMs)} ms</span></p>
        <p class="spread"><span>Cost</span><span class="number">{usd(shown.cost)}</span></p>
        <p><a href={`#/functions/${encodeURIComponent(fn.name)}/logs`} onClick={() => sessionStorage.setItem("zygo.logs.request", shown.requestId)}>Its log lines</a></p>
      </Section>
    </div>
  );
}

function Outcome({ outcome }: { outcome: string }) {
  const tone = outcome === "ok" ? "good" : outcome === "cancelled" ? "plain" : "bad";
  return <Badge tone={tone}>{outcome.replaceAll("_", " ")}</Badge>;
}
