// The editor as a component; CodeMirror itself comes when it is first needed.

import { useEffect, useRef, useState } from "preact/hooks";

import type { Editor } from "./editor-view";

interface Props {
  label: string;
  path: string;
  /** What the file begins with; later changes of it show only with another path or `turn`. */
  text: string;
  turn?: number;
  writable: boolean;
  changed: (text: string) => void;
}

export function CodeEditor({ label, path, text, turn = 0, writable, changed }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor>();
  const latest = useRef(changed);
  latest.current = changed;
  const [ready, setReady] = useState(false);

  useEffect(() => {
    let ended = false;
    void import("./editor-view").then(({ createEditor }) => {
      if (ended || !host.current) return;
      editor.current = createEditor(host.current, label, (now) => latest.current(now));
      setReady(true);
    });
    return () => {
      ended = true;
      editor.current?.end();
    };
  }, []);

  useEffect(() => {
    if (ready) editor.current?.show(path, text, writable);
  }, [ready, path, turn, writable]);

  return <div class="editor" ref={host} data-ready={ready} />;
}
