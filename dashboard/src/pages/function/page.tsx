// One function: its head, its tabs, and the tab that is open.

import { useEffect, useRef, useState } from "preact/hooks";

import { deleteFunction, showFunction } from "../../api/endpoints";
import type { Fn } from "../../api/types";
import { Action, Badge, Failure, Waiting } from "../../components/basics";
import { Dialog } from "../../components/dialog";
import { ago } from "../../lib/format";
import { useAction, useLoad } from "../../lib/load";
import { tell } from "../../lib/notices";
import { go, to } from "../../lib/router";
import { Code } from "./code";
import { Configuration } from "./configuration";
import { Figures } from "./figures";
import { Invocations } from "./invocations";
import { Logs } from "./logs";
import { Scaling } from "./scaling";
import { Test } from "./test";
import { Triggers } from "./triggers";
import { Versions } from "./versions";

export interface TabProps {
  fn: Fn;
  /** The function as it was last seen, for changes. */
  tag: string | null;
  reload: () => void;
}

const TABS = [
  ["", "Figures", Figures],
  ["invocations", "Invocations", Invocations],
  ["logs", "Logs", Logs],
  ["test", "Test", Test],
  ["code", "Code", Code],
  ["versions", "Versions", Versions],
  ["triggers", "Triggers", Triggers],
  ["scaling", "Scaling", Scaling],
  ["configuration", "Configuration", Configuration],
] as const;

export function FunctionPage({ name, tab }: { name: string; tab: string }) {
  const { data, error, reload } = useLoad((signal) => showFunction(name, signal), [name], 5_000);
  if (error && !data) return <Failure error={error} again={reload} />;
  if (!data) return <Waiting what={name} />;
  const { fn, tag } = data;
  const Tab = (TABS.find(([path]) => path === tab) ?? TABS[0])[2];
  return (
    <>
      <Head fn={fn} />
      <Tabs name={name} tab={tab} />
      <Tab fn={fn} tag={tag} reload={reload} />
    </>
  );
}

function Tabs({ name, tab }: { name: string; tab: string }) {
  const nav = useRef<HTMLElement>(null);
  useEffect(() => {
    // In a narrow window the row of tabs is longer than what is seen of it.
    nav.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [tab]);
  return (
    <nav class="tabs" aria-label={`Pages of ${name}`} ref={nav}>
      {TABS.map(([path, label]) => (
        <a key={path} href={path ? to("functions", name, path) : to("functions", name)} aria-current={path === tab ? "page" : undefined}>{label}</a>
      ))}
    </nav>
  );
}

function Head({ fn }: { fn: Fn }) {
  const [asks, setAsks] = useState(false);
  return (
    <header class="page-head">
      <div class="page-title">
        <p class="crumbs"><a href="#/functions">Functions</a></p>
        <h1 class="wrap">{fn.name}</h1>
        <p class="sub">
          <span>{fn.runtime}</span>
          <span class="mono" data-testid="version">v{fn.version}</span>
          <span>deployed {ago(fn.updatedAt)}</span>
          <span class="mono">{fn.id}</span>
          {fn.public && <Badge tone="accent">public</Badge>}
          {fn.circuitBreaker !== "closed" && <Badge tone="bad">circuit {fn.circuitBreaker.replace("_", " ")}</Badge>}
          {fn.snapshot?.kind === "runtime" && <Badge tone="warn">not forkable</Badge>}
        </p>
      </div>
      <div class="page-actions">
        <Action needs="deploy" kind="danger" act={() => setAsks(true)}>Delete</Action>
      </div>
      {asks && <DeleteDialog fn={fn} close={() => setAsks(false)} />}
    </header>
  );
}

function DeleteDialog({ fn, close }: { fn: Fn; close: () => void }) {
  const { busy, error, run } = useAction();
  const remove = () =>
    run(async () => {
      await deleteFunction(fn.id);
      tell(`${fn.name} was deleted`);
      go("functions");
    });
  return (
    <Dialog title={`Delete ${fn.name}?`} close={close}>
      <p>All of its versions, secrets and schedules go with it. This cannot be undone.</p>
      {error && <Failure error={error} />}
      <div class="dialog-actions">
        <button type="button" onClick={close}>Keep it</button>
        <Action needs="deploy" kind="danger" busy={busy} act={remove}>Delete the function</Action>
      </div>
    </Dialog>
  );
}
