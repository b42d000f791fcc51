// Templates: search, and a function made of one.

import { useState } from "preact/hooks";

import { deployTemplate, listTemplates } from "../api/endpoints";
import type { Template } from "../api/types";
import { Action, Badge, Empty, Failure, Field, Waiting } from "../components/basics";
import { Dialog } from "../components/dialog";
import { useAction, useLoad } from "../lib/load";
import { tell } from "../lib/notices";
import { go } from "../lib/router";

export function Marketplace() {
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState<Template>();
  const { data, error, reload } = useLoad((signal) => listTemplates(text.trim(), signal), [text.trim()]);
  return (
    <>
      <header class="page-head">
        <h1>Marketplace</h1>
        <div class="page-actions">
          <input type="search" aria-label="Search templates" placeholder="Search templates" value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </div>
      </header>
      {error && <Failure error={error} again={reload} />}
      {!data && !error && <Waiting what="templates" />}
      {data && data.templates.length === 0 && <Empty title="No template matches"><p>Nothing is about “{text}”.</p></Empty>}
      <ul class="cards">
        {data?.templates.map((template) => (
          <li key={template.id} class="card">
            <h2>{template.name}</h2>
            <p class="wrap">{template.description}</p>
            <p class="sub"><Badge tone="accent">{template.category}</Badge>{template.tags.map((tag) => <Badge key={tag}>{tag}</Badge>)}</p>
            <div class="spread">
              <span class="quiet">{template.runtimes.join(", ")}</span>
              <Action needs="deploy" act={() => setChosen(template)} label={`Deploy ${template.name}`}>Deploy</Action>
            </div>
          </li>
        ))}
      </ul>
      {chosen && <Order template={chosen} close={() => setChosen(undefined)} />}
    </>
  );
}

function Order({ template, close }: { template: Template; close: () => void }) {
  const [name, setName] = useState(template.id.replace(/^mp-/, ""));
  const [runtime, setRuntime] = useState(template.runtimes[0] ?? "");
  const [values, setValues] = useState<Record<string, string>>({});
  const { busy, error, run } = useAction();
  const deploy = () =>
    run(async () => {
      const done = await deployTemplate({ templateId: template.id, name: name.trim(), runtime, parameters: values });
      tell(`${done.function.name} was deployed`);
      go("functions", done.function.name, "test");
    });
  return (
    <Dialog title={`Deploy ${template.name}`} close={close}>
      {error && <Failure error={error} />}
      <form onSubmit={(event) => event.preventDefault()}>
        <Field label="Name">{(id) => <input id={id} value={name} onInput={(event) => setName(event.currentTarget.value)} />}</Field>
        <Field label="Language">
          {(id) => (
            <select id={id} value={runtime} onChange={(event) => setRuntime(event.currentTarget.value)}>
              {template.runtimes.map((one) => <option key={one} value={one}>{one}</option>)}
            </select>
          )}
        </Field>
        {template.parameters.map((parameter) => (
          <Field key={parameter.name} label={parameter.name} hint={parameter.description}>
            {(id) => (
              <input id={id} type={parameter.secret ? "password" : "text"} autocomplete="off" placeholder={parameter.default ?? ""} value={values[parameter.name] ?? ""}
                onInput={(event) => {
                  const text = event.currentTarget.value;
                  setValues(({ [parameter.name]: _, ...rest }) => (text === "" ? rest : { ...rest, [parameter.name]: text }));
                }} />
            )}
          </Field>
        ))}
        <div class="dialog-actions">
          <button type="button" onClick={close}>Cancel</button>
          <Action needs="deploy" kind="primary" busy={busy} act={deploy}>Deploy</Action>
        </div>
      </form>
    </Dialog>
  );
}
