// Invokes the function with an event of one's own, or a saved one.

import { useState } from "preact/hooks";

import { ApiError } from "../../api/client";
import { invoke, invokeLater, listVersions } from "../../api/endpoints";
import type { InvocationAnswer, InvocationQueued } from "../../api/types";
import { Action, Empty, Section } from "../../components/basics";
import { useAction, useLoad } from "../../lib/load";
import type { TabProps } from "./page";
import { Answer, Failed, Queued } from "./answer";
import { SavedEvents } from "./saved-events";

type Result =
  | { kind: "answer"; answer: InvocationAnswer }
  | { kind: "queued"; queued: InvocationQueued }
  | { kind: "failed"; error: ApiError };

export function Test({ fn }: TabProps) {
  const [text, setText] = useState('{\n  "name": "Developer"\n}');
  const [qualifier, setQualifier] = useState("");
  const [later, setLater] = useState(false);
  const [result, setResult] = useState<Result>();
  const { busy, run } = useAction();
  const versions = useLoad((signal) => listVersions(fn.id, signal), [fn.id, fn.version]);
  const wrong = problem(text);

  const press = () =>
    run(async () => {
      const event: unknown = text.trim() === "" ? {} : JSON.parse(text);
      try {
        if (later) setResult({ kind: "queued", queued: await invokeLater(fn.id, event, qualifier) });
        else setResult({ kind: "answer", answer: await invoke(fn.id, event, qualifier) });
      } catch (reason) {
        const error = reason instanceof ApiError ? reason : new ApiError(0, { detail: String(reason) });
        setResult({ kind: "failed", error });
      }
    });
  return (
    <div class="split even">
      <Section title="Event" aside={<SavedEvents about={fn.id} text={text} take={setText} />}>
        <textarea class="code-area" aria-label="Event as JSON" spellcheck={false} rows={14} value={text} aria-invalid={wrong !== undefined}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => (event.ctrlKey || event.metaKey) && event.key === "Enter" && !wrong && press()} />
        <p class={wrong ? "tone-bad" : "quiet"} role="status">{wrong ?? "Sent as the body. Ctrl+Enter invokes."}</p>
        <div class="bar">
          <label>Version{" "}
            <select value={qualifier} onChange={(event) => setQualifier(event.currentTarget.value)}>
              <option value="">the one that serves</option>
              {versions.data?.versions.map((one) => <option key={one.version} value={one.version}>v{one.version}</option>)}
            </select>
          </label>
          <label class="check"><input type="checkbox" checked={later} onChange={(event) => setLater(event.currentTarget.checked)} /> asynchronously</label>
          <Action needs="invoke" kind="primary" busy={busy} unless={wrong} act={press}>{busy ? "Invoking…" : "Invoke"}</Action>
        </div>
      </Section>
      <Section title="Answer">
        <div aria-live="polite">
          {!result && <Empty title="Not invoked yet"><p>The answer, its log lines and where the time went appear here.</p></Empty>}
          {result?.kind === "answer" && <Answer answer={result.answer} />}
          {result?.kind === "queued" && <Queued queued={result.queued} />}
          {result?.kind === "failed" && <Failed error={result.error} />}
        </div>
      </Section>
    </div>
  );
}

/** Why a text cannot be sent. */
function problem(text: string): string | undefined {
  if (text.trim() === "") return undefined;
  try {
    JSON.parse(text);
    return undefined;
  } catch (reason) {
    return `This is no JSON: ${(reason as Error).message}`;
  }
}
