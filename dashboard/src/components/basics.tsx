// What every page is made of: errors, emptiness, waiting, badges, buttons that know who may press them.

import type { ComponentChildren, JSX } from "preact";
import { useId } from "preact/hooks";

import { ApiError } from "../api/client";
import type { Role } from "../api/types";
import { useRefusal } from "../lib/session";

export function Waiting({ what }: { what: string }) {
  return (
    <p class="waiting" role="status">
      Loading {what}…
    </p>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

/** An error with everything that helps: what, where, and the id to look for. */
export function Failure({ error, again }: { error: Error; again?: () => void }) {
  const problem = error instanceof ApiError ? error.problem : {};
  return (
    <div class="failure" role="alert">
      <p class="failure-title">{problem.title ?? "This did not work"}</p>
      <p class="wrap">{error.message}</p>
      {problem.pointer && <p>Field: <code>{problem.pointer}</code></p>}
      {problem.buildLog && problem.buildLog.length > 0 && <pre class="output">{problem.buildLog.join("\n")}</pre>}
      {problem.stackTrace && problem.stackTrace.length > 0 && <pre class="output">{problem.stackTrace.join("\n")}</pre>}
      {problem.requestId && <p class="quiet">Request <code>{problem.requestId}</code></p>}
      {again && <button type="button" onClick={again}>Try again</button>}
    </div>
  );
}

export type Tone = "good" | "bad" | "warn" | "plain" | "accent";

export function Badge({ tone = "plain", children }: { tone?: Tone; children: ComponentChildren }) {
  return <span class={`badge badge-${tone}`}>{children}</span>;
}

interface ActionProps {
  needs: Role;
  act: () => void;
  label?: string;
  kind?: "primary" | "danger" | "plain";
  busy?: boolean;
  unless?: string | undefined;
  children: ComponentChildren;
}

/** A button that changes something. Whoever may not press it can still reach it, and reads why. */
export function Action({ needs, act, label, kind = "plain", busy = false, unless, children }: ActionProps) {
  const refusal = useRefusal(needs) ?? unless;
  const id = useId();
  const off = refusal !== undefined || busy;
  return (
    <>
      <button
        type="button"
        class={`button-${kind}`}
        aria-disabled={off}
        aria-label={label}
        aria-busy={busy}
        aria-describedby={refusal ? id : undefined}
        title={refusal}
        onClick={() => !off && act()}
      >
        {children}
      </button>
      {refusal && <span class="hidden" id={id}>{refusal}</span>}
    </>
  );
}

export function Section(props: { title: string; aside?: ComponentChildren; children: ComponentChildren }) {
  const id = useId();
  return (
    <section class="section" aria-labelledby={id}>
      <header class="section-head">
        <h2 id={id}>{props.title}</h2>
        {props.aside && <div class="section-aside">{props.aside}</div>}
      </header>
      {props.children}
    </section>
  );
}

export function Tile({ label, value, note, tone }: { label: string; value: string; note?: string; tone?: Tone }) {
  return (
    <div class="tile">
      <dt>{label}</dt>
      <dd class={tone ? `tone-${tone}` : undefined}>{value}</dd>
      {note && <dd class="tile-note">{note}</dd>}
    </div>
  );
}

/** A table that scrolls by itself where the window is narrow. */
export function Table({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <div class="table-frame" role="region" aria-label={label} tabIndex={0}>
      <table>{children}</table>
    </div>
  );
}

type FieldProps = { label: string; hint?: string; children: (id: string) => JSX.Element };

export function Field({ label, hint, children }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children(id)}
      {hint && <p class="hint">{hint}</p>}
    </div>
  );
}
