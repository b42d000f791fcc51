// The files of the version that serves, and a new version of them.

import { useState } from "preact/hooks";

import { showSource, updateFunction } from "../../api/endpoints";
import type { SourceCode } from "../../api/types";
import { Action, Failure, Waiting } from "../../components/basics";
import { CodeEditor } from "../../components/editor";
import { bytes, ms } from "../../lib/format";
import { useAction, useLoad } from "../../lib/load";
import { tell } from "../../lib/notices";
import type { TabProps } from "./page";

export function Code(props: TabProps) {
  const { fn } = props;
  const [opened] = useState(fn.version);
  const [turn, setTurn] = useState(0);
  const version = turn === 0 ? opened : fn.version;
  const { data, error, reload } = useLoad((signal) => showSource(fn.id, version, signal), [fn.id, version, turn]);
  if (error) return <Failure error={error} again={reload} />;
  if (!data) return <Waiting what="files" />;
  return <Files {...props} key={`${data.version}/${turn}`} source={data} again={() => setTurn(turn + 1)} />;
}

type FilesProps = TabProps & { source: SourceCode; again: () => void };

function Files({ fn, tag, reload, source, again }: FilesProps) {
  const [first] = source.files;
  const [path, setPath] = useState(first?.path ?? "");
  const [edited, setEdited] = useState<Record<string, string>>({});
  const [seenTag, setSeenTag] = useState(tag);
  const { busy, error, run } = useAction();

  const file = source.files.find((one) => one.path === path);
  const hidden = source.files.filter((one) => typeof one.content !== "string");
  const changes = Object.entries(edited).filter(([name, text]) => source.files.find((one) => one.path === name)?.content !== text);
  const stale = fn.version !== source.version;

  const deploy = () =>
    run(async () => {
      const files = Object.fromEntries(source.files.map((one) => [one.path, edited[one.path] ?? one.content ?? ""]));
      const started = performance.now();
      const done = await updateFunction(fn.id, { files }, seenTag);
      tell(`Version ${done.function.version} serves now, after ${ms(performance.now() - started)}`);
      setSeenTag(null);
      reload();
      again();
    });
  const unless =
    hidden.length > 0
      ? "Some files are no text or too long for the editor, so that it cannot deploy all of them. Use zygo deploy."
      : changes.length === 0
        ? "Nothing has changed."
        : undefined;
  return (
    <>
      {stale && (
        <p class="banner">
          You see version {source.version}; version {fn.version} serves. <button type="button" class="button-link" onClick={again}>Open version {fn.version}</button>
        </p>
      )}
      {error && <Failure error={error} />}
      <div class="bar">
        <div class="choices" role="group" aria-label="Files">
          {source.files.map((one) => (
            <button type="button" key={one.path} class="mono" aria-pressed={one.path === path} onClick={() => setPath(one.path)}>
              {one.path}{changes.some(([name]) => name === one.path) && <span title="changed"> •</span>}
            </button>
          ))}
        </div>
        <div class="page-actions">
          {unless && hidden.length > 0 && <span class="quiet">{unless}</span>}
          <Action needs="deploy" kind="primary" busy={busy} unless={unless} act={deploy}>{busy ? "Deploying…" : "Deploy"}</Action>
        </div>
      </div>
      {file && typeof file.content === "string" ? (
        <CodeEditor label="Code" path={path} text={edited[path] ?? file.content} writable={hidden.length === 0}
          changed={(text) => setEdited((old) => ({ ...old, [path]: text }))} />
      ) : (
        <p class="quiet">{path} has {bytes(file?.size ?? 0)} and is no text, or too long to show.</p>
      )}
      <p class="quiet">Deploying makes a new version; all settings stay. Handler: <code>{fn.handler}</code></p>
    </>
  );
}
