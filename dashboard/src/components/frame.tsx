// What stands around every page: the way to the others, the colours, and who is signed in.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { apiKey } from "../api/client";
import type { Caller } from "../api/types";
import { applyColours, colours, type Colours } from "../lib/colours";
import { to, usePlace } from "../lib/router";
import { holds } from "../lib/session";
import { Notices } from "./notices";

const PLACES = [
  ["", "Overview"],
  ["functions", "Functions"],
  ["zygotes", "Zygotes"],
  ["dead-letters", "Dead letters"],
  ["alerts", "Alerts"],
  ["marketplace", "Marketplace"],
] as const;

interface Props {
  caller: Caller;
  signOut: () => void;
  children: ComponentChildren;
}

export function Frame({ caller, signOut, children }: Props) {
  const { path } = usePlace();
  const [first = "", second] = path;
  const main = useRef<HTMLElement>(null);
  const seen = useRef(`${first}/${second}`);
  useEffect(() => {
    const here = `${first}/${second}`;
    document.title = [second, PLACES.find(([place]) => place === first)?.[1], "Zygo"].filter(Boolean).join(" · ");
    // Those who hear the page are taken to the new one, as a browser does with a new document.
    if (seen.current !== here) main.current?.focus();
    seen.current = here;
  }, [first, second]);
  return (
    <div class="frame">
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); main.current?.focus(); }}>
        Skip to the content
      </a>
      <header class="side">
        <a class="brand" href="#/">
          <svg width="26" height="26" viewBox="0 0 32 32" aria-hidden="true">
            <rect width="32" height="32" rx="7" class="brand-back" />
            <path d="M9 10h13.5L10 22h13.5" class="brand-mark" />
          </svg>
          Zygo
        </a>
        <nav aria-label="Pages">
          {PLACES.map(([place, label]) => (
            <a key={place} href={place ? to(place) : "#/"} aria-current={first === place ? "page" : undefined}>{label}</a>
          ))}
          <a href="/docs/">API</a>
        </nav>
        <div class="side-foot">
          <ColourChoice />
          <p class="caller" title={caller.name}>
            <span class="caller-name">{caller.name}</span>
            <span class="quiet">{caller.role}</span>
          </p>
          <a class="quiet" href="/dashboard/licences.txt">Licences</a>
          {apiKey() && <button type="button" onClick={signOut}>Sign out</button>}
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        {!holds(caller.role, "deploy") && (
          <p class="banner">
            Signed in as <b class="wrap">{caller.name}</b> with the role <b>{caller.role}</b>: what this role does not allow is disabled.
          </p>
        )}
        {children}
      </main>
      <Notices />
    </div>
  );
}

function ColourChoice() {
  const [choice, setChoice] = useState(colours);
  const choose = (value: Colours) => {
    applyColours(value);
    setChoice(value);
  };
  return (
    <label class="colour-choice">
      <span>Theme</span>
      <select value={choice} onChange={(event) => choose(event.currentTarget.value as Colours)}>
        <option value="system">System</option>
        <option value="light">Light</option>
        <option value="dark">Dark</option>
      </select>
    </label>
  );
}
