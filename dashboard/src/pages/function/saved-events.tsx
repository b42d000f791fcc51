// Events that are kept in this browser, for each function.

import { useState } from "preact/hooks";

import { read, write } from "../../lib/store";

type Saved = Record<string, string>;

export function SavedEvents({ about, text, take }: { about: string; text: string; take: (text: string) => void }) {
  const place = `events.${about}`;
  const [saved, setSaved] = useState<Saved>(() => read<Saved>(place, {}));
  const [chosen, setChosen] = useState("");
  const [name, setName] = useState<string>();
  const keep = (next: Saved) => {
    setSaved(next);
    write(place, next);
  };
  const save = (event: Event) => {
    event.preventDefault();
    const given = name?.trim();
    if (!given) return;
    keep({ ...saved, [given]: text });
    setChosen(given);
    setName(undefined);
  };
  const remove = () => {
    keep(Object.fromEntries(Object.entries(saved).filter(([one]) => one !== chosen)));
    setChosen("");
  };
  if (name !== undefined) {
    return (
      <form class="inline-form" onSubmit={save}>
        <input aria-label="Name of the event" placeholder="Name" required maxLength={60} value={name}
          ref={(element) => element?.focus()} onInput={(event) => setName(event.currentTarget.value)} />
        <button type="submit">Save</button>
        <button type="button" onClick={() => setName(undefined)}>Cancel</button>
      </form>
    );
  }
  return (
    <>
      <select aria-label="Saved events" value={chosen} onChange={(event) => {
        const one = event.currentTarget.value;
        setChosen(one);
        if (saved[one] !== undefined) take(saved[one]);
      }}>
        <option value="">{Object.keys(saved).length > 0 ? "Saved events" : "No saved events"}</option>
        {Object.keys(saved).sort().map((one) => <option key={one} value={one}>{one}</option>)}
      </select>
      <button type="button" onClick={() => setName(chosen)}>Save event</button>
      {chosen && <button type="button" onClick={remove} aria-label={`Remove the saved event ${chosen}`}>Remove</button>}
    </>
  );
}
