// The first version of a new function.

import { useState } from "preact/hooks";

import { createFunction } from "../api/endpoints";
import type { RuntimeName } from "../api/types";
import { Action, Failure, Field } from "../components/basics";
import { CodeEditor } from "../components/editor";
import { useAction } from "../lib/load";
import { tell } from "../lib/notices";
import { go } from "../lib/router";
import { STARTERS } from "../lib/starters";

export function NewFunction() {
  const [name, setName] = useState("");
  const [runtime, setRuntime] = useState<RuntimeName>("typescript");
  const [code, setCode] = useState<Partial<Record<RuntimeName, string>>>({});
  const { busy, error, run } = useAction();
  const starter = STARTERS[runtime];
  const deploy = () =>
    run(async () => {
      const files = { [starter.file]: code[runtime] ?? starter.code };
      const done = await createFunction({ name: name.trim(), runtime, files });
      tell(`${done.function.name} was deployed`);
      go("functions", done.function.name, "test");
    });
  return (
    <>
      <header class="page-head"><h1>New function</h1></header>
      {error && <Failure error={error} />}
      <form class="bar" onSubmit={(event) => event.preventDefault()}>
        <Field label="Name">
          {(id) => <input id={id} autocomplete="off" spellcheck={false} value={name} onInput={(event) => setName(event.currentTarget.value)} />}
        </Field>
        <Field label="Language">
          {(id) => (
            <select id={id} value={runtime} onChange={(event) => setRuntime(event.currentTarget.value as RuntimeName)}>
              {(Object.keys(STARTERS) as RuntimeName[]).map((one) => <option key={one} value={one}>{STARTERS[one].label}</option>)}
            </select>
          )}
        </Field>
        <div class="push">
          <Action needs="deploy" kind="primary" busy={busy} unless={name.trim() === "" ? "It needs a name." : undefined} act={deploy}>{busy ? "Deploying…" : "Deploy"}</Action>
        </div>
      </form>
      <CodeEditor label="Code" path={starter.file} text={code[runtime] ?? starter.code} writable={true}
        changed={(text) => setCode((old) => ({ ...old, [runtime]: text }))} />
    </>
  );
}
