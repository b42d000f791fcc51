// Names that have values. The platform never shows a value again, so they can only be replaced.

import { useState } from "preact/hooks";

import type { Deployed } from "../../api/types";
import { Action, Failure, Field, Section } from "../../components/basics";
import { useAction } from "../../lib/load";
import { tell } from "../../lib/notices";

interface Props {
  title: string;
  what: string;
  names: string[];
  secret: boolean;
  set: (name: string, value: string) => Promise<Deployed>;
  remove: (name: string) => Promise<Deployed>;
  done: () => void;
}

export function Variables({ title, what, names, secret, set, remove, done }: Props) {
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const { busy, error, run } = useAction();
  const change = (work: () => Promise<Deployed>, text: string) =>
    run(async () => {
      const { function: fn } = await work();
      tell(`${text}; version ${fn.version} serves now`);
      done();
    });
  const save = () => {
    change(() => set(name.trim(), value), `${name.trim()} was set`);
    setValue("");
  };
  return (
    <Section title={title}>
      {names.length === 0 && <p class="quiet">None yet.</p>}
      <ul class="plain-list">
        {names.map((one) => (
          <li key={one} class="spread">
            <span class="mono wrap">{one} <span class="quiet">= ••••••</span></span>
            <span class="row-actions">
              <button type="button" aria-label={`Replace ${one}`} onClick={() => setName(one)}>Replace</button>
              <Action needs="deploy" busy={busy} label={`Remove ${one}`} act={() => change(() => remove(one), `${one} was removed`)}>Remove</Action>
            </span>
          </li>
        ))}
      </ul>
      {error && <Failure error={error} />}
      <form class="pair-form" onSubmit={(event) => { event.preventDefault(); }}>
        <Field label={`Name of the ${what}`}>
          {(id) => <input id={id} class="mono" autocomplete="off" spellcheck={false} value={name} onInput={(event) => setName(event.currentTarget.value)} />}
        </Field>
        <Field label="Value">
          {(id) => <input id={id} type={secret ? "password" : "text"} autocomplete="off" spellcheck={false} value={value} onInput={(event) => setValue(event.currentTarget.value)} />}
        </Field>
        <Action needs="deploy" busy={busy} unless={name.trim() === "" ? "It needs a name." : undefined} act={save}>Set</Action>
      </form>
      <p class="hint">{secret ? "Encrypted at rest. " : ""}Values are write-only: nobody can read them again, here or in the API.</p>
    </Section>
  );
}
