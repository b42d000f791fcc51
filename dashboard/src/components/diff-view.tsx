// Two versions of one file, as one list of lines.

import { useMemo } from "preact/hooks";

import { diffRows } from "../lib/diff";

const SIGN = { same: " ", added: "+", removed: "−" } as const;
const WORD = { same: "", added: "added: ", removed: "removed: " } as const;

export function DiffView({ path, before, after }: { path: string; before: string; after: string }) {
  const rows = useMemo(() => diffRows(before, after), [before, after]);
  const count = (kind: string) => rows.filter((row) => row.kind === kind).length;
  return (
    <figure class="diff">
      <figcaption class="spread">
        <span class="mono wrap">{path}</span>
        <span class="nowrap"><span class="tone-good">+{count("added")}</span> <span class="tone-bad">−{count("removed")}</span> lines</span>
      </figcaption>
      <div class="diff-body" tabIndex={0} role="region" aria-label={`Changes of ${path}`}>
        <table>
          <tbody>
            {rows.map((row, at) =>
              row.kind === "skipped" ? (
                <tr key={at} class="diff-skipped"><td /><td /><td>{row.count} unchanged {row.count === 1 ? "line" : "lines"}</td></tr>
              ) : (
                <tr key={at} class={`diff-${row.kind}`}>
                  <td class="diff-number">{row.before}</td>
                  <td class="diff-number">{row.after}</td>
                  <td><span aria-hidden="true">{SIGN[row.kind]} </span><span class="hidden">{WORD[row.kind]}</span>{row.text}</td>
                </tr>
              ),
            )}
          </tbody>
        </table>
      </div>
    </figure>
  );
}
