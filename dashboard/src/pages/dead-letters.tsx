// What failed too often: to be looked at, tried again, or removed.

import { useState } from "preact/hooks";

import { listDeadLetters, redriveLetter, removeLetter, showDeadLetter } from "../api/endpoints";
import type { DeadLetter } from "../api/types";
import { Action, Empty, Failure, Table, Waiting } from "../components/basics";
import { Dialog } from "../components/dialog";
import { ago, count, dateTime } from "../lib/format";
import { useAction, useLoad } from "../lib/load";
import { tell } from "../lib/notices";
import { to } from "../lib/router";

export function DeadLetters() {
  const [cursors, setCursors] = useState<string[]>([]);
  const [shown, setShown] = useState<DeadLetter>();
  const cursor = cursors[cursors.length - 1] ?? null;
  const { data, error, reload } = useLoad((signal) => listDeadLetters(cursor, signal), [cursor], 5_000);
  const { busy, error: failed, run } = useAction();
  const act = (work: () => Promise<unknown>, text: string) =>
    run(async () => {
      await work();
      tell(text);
      setShown(undefined);
      reload();
    });
  const redrive = (letter: DeadLetter) => act(() => redriveLetter(letter.functionId, letter.id), "It will be tried again");
  const remove = (letter: DeadLetter) => act(() => removeLetter(letter.functionId, letter.id), "The dead letter was removed");
  const redriveAll = (letters: DeadLetter[]) =>
    act(async () => {
      for (const letter of letters) await redriveLetter(letter.functionId, letter.id);
    }, `${count(letters.length)} will be tried again`);
  const letters = data?.deadLetters ?? [];
  return (
    <>
      <header class="page-head">
        <h1>Dead letters {data && <span class="quiet">{count(letters.length)}{data.nextCursor ? "+" : ""}</span>}</h1>
        {letters.length > 0 && (
          <div class="page-actions">
            <Action needs="deploy" busy={busy} act={() => redriveAll(letters)}>Redrive all on this page</Action>
          </div>
        )}
      </header>
      {(error ?? failed) && <Failure error={(error ?? failed)!} again={reload} />}
      {!data && !error && <Waiting what="dead letters" />}
      {data && letters.length === 0 && <Empty title="No dead letters"><p>Everything that was accepted has been delivered, or is still being tried.</p></Empty>}
      {letters.length > 0 && (
        <Table label="Dead letters">
          <thead>
            <tr><th scope="col">Died</th><th scope="col">Function</th><th scope="col">Trigger</th><th scope="col">Error</th>
              <th scope="col" class="number">Attempts</th><th scope="col"><span class="hidden">Actions</span></th></tr>
          </thead>
          <tbody>
            {letters.map((letter) => (
              <tr key={letter.id}>
                <td class="nowrap" title={dateTime(letter.diedAt ?? letter.createdAt)}>{ago(letter.diedAt ?? letter.createdAt)}</td>
                <th scope="row" class="name">{letter.function ? <a href={to("functions", letter.function)}>{letter.function}</a> : letter.functionId}</th>
                <td>{letter.trigger}</td>
                <td class="cut"><button type="button" class="button-link" onClick={() => setShown(letter)}>{letter.error?.message ?? "Show"}</button></td>
                <td class="number">{count(letter.attempts)}</td>
                <td class="row-actions">
                  <Action needs="deploy" busy={busy} act={() => redrive(letter)} label={`Redrive ${letter.id}`}>Redrive</Action>
                  <Action needs="deploy" busy={busy} act={() => remove(letter)} label={`Remove ${letter.id}`}>Remove</Action>
                </td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
      {(cursors.length > 0 || data?.nextCursor) && (
        <nav class="pager" aria-label="Pages of dead letters">
          <button type="button" disabled={cursors.length === 0} onClick={() => setCursors(cursors.slice(0, -1))}>Newer</button>
          <button type="button" disabled={!data?.nextCursor} onClick={() => data?.nextCursor && setCursors([...cursors, data.nextCursor])}>Older</button>
        </nav>
      )}
      {shown && <Letter letter={shown} close={() => setShown(undefined)} />}
    </>
  );
}

function Letter({ letter, close }: { letter: DeadLetter; close: () => void }) {
  const { data, error } = useLoad((signal) => showDeadLetter(letter.functionId, letter.id, signal), [letter.id]);
  return (
    <Dialog title={letter.function ?? letter.functionId} close={close}>
      <p class="wrap tone-bad">{letter.error?.code}: {letter.error?.message}</p>
      <p class="quiet mono wrap">{letter.requestId}</p>
      <h3>Event</h3>
      {error && <Failure error={error} />}
      {data && <pre class="output" tabIndex={0}>{JSON.stringify(data.event, null, 2)}</pre>}
    </Dialog>
  );
}
