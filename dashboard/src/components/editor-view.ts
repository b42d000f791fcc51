// CodeMirror, in a shadow root: there its style sheets are constructed ones, which the page's policy allows; elsewhere it
// would write style elements, which the policy forbids.

import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { javascript } from "@codemirror/lang-javascript";
import { python } from "@codemirror/lang-python";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { ruby } from "@codemirror/legacy-modes/mode/ruby";
import { EditorState, type Extension } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const theme = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "var(--surface)", fontSize: "13px", height: "100%" },
  "&.cm-focused": { outline: "2px solid var(--focus)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55", minHeight: "320px", maxHeight: "70vh", overflow: "auto" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--sunken)", color: "var(--quiet)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--line-active)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--selection)",
  },
  ".cm-matchingBracket": { backgroundColor: "var(--selection)", color: "inherit" },
});

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: "var(--code-keyword)" },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: "var(--code-string)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--code-number)" },
  { tag: tags.comment, color: "var(--quiet)", fontStyle: "italic" },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName)], color: "var(--code-function)" },
  { tag: [tags.typeName, tags.className], color: "var(--code-type)" },
]);

/** By a file's extension. */
export function language(path: string): Extension {
  const extension = path.slice(path.lastIndexOf(".") + 1);
  if (["ts", "tsx", "mts", "cts"].includes(extension)) return javascript({ typescript: true });
  if (["js", "jsx", "mjs", "cjs", "json"].includes(extension)) return javascript();
  if (extension === "py") return [python(), indentUnit.of("    ")];
  return extension === "rb" ? StreamLanguage.define(ruby) : [];
}

export interface Editor {
  show(path: string, text: string, writable: boolean): void;
  end(): void;
}

export function createEditor(host: HTMLElement, label: string, changed: (text: string) => void): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  root.replaceChildren();
  const told = EditorView.updateListener.of((update) => {
    if (update.docChanged) changed(update.state.doc.toString());
  });
  const state = (path: string, text: string, writable: boolean) =>
    EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(), history(), drawSelection(), indentOnInput(), bracketMatching(), highlightActiveLine(),
        keymap.of([...defaultKeymap, ...historyKeymap]),
        theme, syntaxHighlighting(colours), language(path), told,
        EditorView.contentAttributes.of({ "aria-label": `${label}: ${path}` }),
        // Also what cannot be changed can be walked through with the keyboard.
        EditorState.readOnly.of(!writable),
      ],
    });
  let view: EditorView | undefined;
  return {
    show: (path, text, writable) => {
      // Not before there is a file: an editor without a name is none for those who hear the page.
      view ??= new EditorView({ parent: root as unknown as Element, root });
      view.setState(state(path, text, writable));
    },
    end: () => view?.destroy(),
  };
}
