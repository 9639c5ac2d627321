// The editors: Python with highlighting, completion from the package's names, and errors at their line.
import { autocompletion, closeBrackets, closeBracketsKeymap, completeFromList, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { python, pythonLanguage } from "@codemirror/lang-python";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword], color: "var(--grad)" },
  { tag: [tags.number, tags.bool], color: "var(--data)" },
  { tag: tags.string, color: "var(--data)" },
  { tag: tags.comment, color: "var(--quiet)", fontStyle: "italic" },
  { tag: tags.definition(tags.variableName), fontWeight: "bold" },
]);
const look = EditorView.theme({
  // All that are offered are shown: a list that scrolls could not be reached by key but through the editor.
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { maxHeight: "none" },
  "&": { color: "var(--text)", backgroundColor: "var(--background)", fontSize: "15px" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "1px" },
  ".cm-content": { fontFamily: "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace", caretColor: "var(--text)" },
  ".cm-scroller": { lineHeight: "1.5" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--background)", color: "var(--quiet)", borderRight: "1px solid var(--hair)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "transparent" },
  "&.cm-focused .cm-activeLine": { boxShadow: "inset 2px 0 var(--accent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--leaf)" },
  ".cm-tooltip": { color: "var(--text)", backgroundColor: "var(--background)", border: "1px solid var(--edge)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { color: "var(--background)", backgroundColor: "var(--accent)" },
});

export class Editor {
  constructor(host, text, { label, names, changed, run }) {
    const root = host.attachShadow({ mode: "open" }); // its styles are constructed ones there, which the policy allows
    this.view = new EditorView({
      doc: text,
      root,
      parent: root,
      extensions: [
        lineNumbers(), history(), drawSelection(), indentOnInput(), bracketMatching(), closeBrackets(),
        highlightActiveLine(), lintGutter(), autocompletion({ maxRenderedOptions: 8 }), python(), indentUnit.of("    "), syntaxHighlighting(colours), look,
        pythonLanguage.data.of({ autocomplete: completeFromList(names) }),
        keymap.of([{ key: "Mod-Enter", run: () => (run(), true) }, ...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap]),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false" }),
        EditorView.updateListener.of((update) => update.docChanged && changed()),
      ],
    });
  }

  get text() {
    return this.view.state.doc.toString();
  }

  set text(text) {
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text } });
  }

  get lines() {
    return this.view.state.doc.lines;
  }

  mark(line, message) {
    const { doc } = this.view.state;
    const at = message && doc.line(Math.min(Math.max(line, 1), doc.lines));
    const found = message ? [{ from: at.from, to: at.to, severity: "error", message }] : [];
    this.view.dispatch(setDiagnostics(this.view.state, found));
  }
}
