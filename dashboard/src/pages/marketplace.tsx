// Templates: search, and a function made of one.

import { useState } from "preact/hooks";

import { deployTemplate, listTemplates, showTemplate } from "../api/endpoints";
import type { Template, TemplateParameter, TemplateProblem } from "../api/types";
import { Action, Badge, Empty, Failure, Field, Waiting } from "../components/basics";
import { Dialog } from "../components/dialog";
import { useAction, useLoad } from "../lib/load";
import { tell } from "../lib/notices";
import { go } from "../lib/router";

export function Marketplace() {
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState<Template>();
  const [read, setRead] = useState<Template>();
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
      {data && data.problems.length > 0 && <Problems problems={data.problems} />}
      {data && data.templates.length === 0 && <Empty title="No template matches"><p>Nothing is about “{text}”.</p></Empty>}
      <ul class="cards">
        {data?.templates.map((template) => (
          <li key={template.id} class="card">
            <h2>{template.name}</h2>
            <p class="wrap">{template.description}</p>
            <p class="sub"><Badge tone="accent">{template.category}</Badge>{template.source === "folder" && <Badge tone="good">yours</Badge>}{template.tags.map((tag) => <Badge key={tag}>{tag}</Badge>)}</p>
            <div class="spread">
              <span class="quiet">{template.runtimes.join(", ")}</span>
              <button type="button" aria-label={`Read about ${template.name}`} onClick={() => setRead(template)}>Read</button>
              <Action needs="deploy" act={() => setChosen(template)} label={`Deploy ${template.name}`}>Deploy</Action>
            </div>
          </li>
        ))}
      </ul>
      {chosen && <Order template={chosen} close={() => setChosen(undefined)} />}
      {read && <Readme template={read} close={() => setRead(undefined)} />}
    </>
  );
}

/** Templates of the operator's folder that are not there, and why. */
function Problems({ problems }: { problems: TemplateProblem[] }) {
  return (
    <div class="failure" role="alert">
      <p class="failure-title">Some of your templates cannot be used</p>
      <ul>
        {problems.map(({ file, field, message }) => (
          <li key={`${file} ${field ?? ""} ${message}`} class="wrap"><code>{file}</code>{field && <> (<code>{field}</code>)</>}: {message}</li>
        ))}
      </ul>
    </div>
  );
}

function Readme({ template, close }: { template: Template; close: () => void }) {
  const { data, error, reload } = useLoad((signal) => showTemplate(template.id, signal), [template.id]);
  return (
    <Dialog title={template.name} close={close}>
      {error && <Failure error={error} again={reload} />}
      {!data && !error && <Waiting what="the template" />}
      {data && <pre class="output" tabIndex={0} role="region" aria-label="README">{data.template.readme || template.description}</pre>}
      {data && <pre class="output" tabIndex={0} role="region" aria-label="Sample event">{JSON.stringify(data.template.event, null, 2)}</pre>}
    </Dialog>
  );
}

function Order({ template, close }: { template: Template; close: () => void }) {
  const [name, setName] = useState(template.id.replace(/^mp-/, ""));
  const [runtime, setRuntime] = useState(template.runtimes[0] ?? "");
  const [network, setNetwork] = useState("");
  const [values, setValues] = useState<Record<string, string>>({});
  const set = (name: string, text: string) => setValues(({ [name]: _, ...rest }) => (text === "" ? rest : { ...rest, [name]: text }));
  const { busy, error, run } = useAction();
  const deploy = () =>
    run(async () => {
      const done = await deployTemplate({ templateId: template.id, name: name.trim(), runtime, parameters: values, ...(network && { network }) });
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
          <Field key={parameter.name} label={parameter.name} hint={hint(parameter)}>
            {(id) => <Value id={id} parameter={parameter} value={values[parameter.name] ?? ""} set={(text) => set(parameter.name, text)} />}
          </Field>
        ))}
        <Field label="Network" hint="A server with a private address needs all">
          {(id) => (
            <select id={id} value={network} onChange={(event) => setNetwork(event.currentTarget.value)}>
              <option value="">as the template says</option>
              {["internet", "none", "all"].map((one) => <option key={one} value={one}>{one}</option>)}
            </select>
          )}
        </Field>
        <div class="dialog-actions">
          <button type="button" onClick={close}>Cancel</button>
          <Action needs="deploy" kind="primary" busy={busy} act={deploy}>Deploy</Action>
        </div>
      </form>
    </Dialog>
  );
}

function hint({ description, required }: TemplateParameter): string {
  return required ? `${description} (required)` : description;
}

interface ValueProps {
  id: string;
  parameter: TemplateParameter;
  value: string;
  set: (text: string) => void;
}

/** The input that suits a parameter; an empty one leaves it to its default. */
function Value({ id, parameter, value, set }: ValueProps) {
  const choices = parameter.type === "boolean" ? ["true", "false"] : (parameter.choices ?? []);
  if (choices.length > 0) {
    return (
      <select id={id} value={value} onChange={(event) => set(event.currentTarget.value)}>
        <option value="">{parameter.default ?? ""}</option>
        {choices.filter((one) => one !== parameter.default).map((one) => <option key={one} value={one}>{one}</option>)}
      </select>
    );
  }
  const isNumber = parameter.type === "integer" || parameter.type === "number";
  return (
    <input id={id} type={parameter.secret ? "password" : "text"} inputMode={isNumber ? "numeric" : undefined} autocomplete="off" required={parameter.required}
      placeholder={parameter.default ?? ""} value={value} onInput={(event) => set(event.currentTarget.value)} />
  );
}
