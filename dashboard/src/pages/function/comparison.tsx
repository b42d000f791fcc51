// What is different between two versions: settings and files.

import { showSource } from "../../api/endpoints";
import type { Fn, SourceCode, Version } from "../../api/types";
import { Failure, Table, Waiting } from "../../components/basics";
import { DiffView } from "../../components/diff-view";
import { bytes, mb, ms } from "../../lib/format";
import { useLoad } from "../../lib/load";

export function Comparison({ fn, versions, pair }: { fn: Fn; versions: Version[]; pair: [number, number] }) {
  const [from, to] = pair;
  const ask = async (signal: AbortSignal) => [await showSource(fn.id, from, signal), await showSource(fn.id, to, signal)] as const;
  const { data, error, reload } = useLoad(ask, [fn.id, from, to]);
  const find = (number: number) => versions.find((one) => one.version === number);
  const [left, right] = [find(from), find(to)];
  if (error) return <Failure error={error} again={reload} />;
  if (!data) return <Waiting what={`versions ${from} and ${to}`} />;
  const settings = left && right ? changedSettings(left, right) : [];
  const files = changedFiles(data[0], data[1]);
  if (settings.length + files.length === 0) return <p class="quiet">Versions {from} and {to} have the same files and settings.</p>;
  return (
    <>
      {settings.length > 0 && (
        <Table label="Changed settings">
          <thead><tr><th scope="col">Setting</th><th scope="col">v{from}</th><th scope="col">v{to}</th></tr></thead>
          <tbody>
            {settings.map(([name, before, after]) => (
              <tr key={name}><th scope="row">{name}</th><td class="wrap">{before}</td><td class="wrap">{after}</td></tr>
            ))}
          </tbody>
        </Table>
      )}
      {files.map(({ path, before, after }) =>
        before.text !== null && after.text !== null ? (
          <DiffView key={path} path={path} before={before.text} after={after.text} />
        ) : (
          <p key={path}><span class="mono wrap">{path}</span> <span class="quiet">changed from {bytes(before.size)} to {bytes(after.size)}; it is no text, or too long to show.</span></p>
        ),
      )}
    </>
  );
}

type Side = { text: string | null; size: number };

function changedFiles(from: SourceCode, to: SourceCode): { path: string; before: Side; after: Side }[] {
  const side = (source: SourceCode, path: string): Side => {
    const file = source.files.find((one) => one.path === path);
    return { text: file ? (file.content ?? null) : "", size: file?.size ?? 0 };
  };
  const paths = new Set([...from.files, ...to.files].map((file) => file.path));
  const all = [...paths].sort().map((path) => ({ path, before: side(from, path), after: side(to, path) }));
  return all.filter(({ before, after }) => before.text !== after.text || before.size !== after.size);
}

function changedSettings(left: Version, right: Version): [string, string, string][] {
  const rows: [string, string, string][] = [
    ["handler", left.handler, right.handler],
    ["language", left.runtime, right.runtime],
    ["memory", mb(left.memory), mb(right.memory)],
    ["timeout", ms(left.timeout), ms(right.timeout)],
    ["environment", left.environment.join(", ") || "none", right.environment.join(", ") || "none"],
    ["secrets", left.secrets.join(", ") || "none", right.secrets.join(", ") || "none"],
  ];
  return rows.filter(([, before, after]) => before !== after);
}
