import {
  autocompletion,
  type CompletionContext,
  type CompletionResult,
  completionKeymap,
} from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { yaml } from '@codemirror/lang-yaml'
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { type Diagnostic, lintGutter, setDiagnostics } from '@codemirror/lint'
import { type Extension, StateEffect, StateField, type Text } from '@codemirror/state'
import { Decoration, drawSelection, EditorView, keymap, lineNumbers } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { type ReactNode, useEffect, useRef } from 'react'
import type { Suggestion, Trial } from '../../api/types.ts'
import { t } from '../../texts/index.ts'
import { styleNonce } from '../../theme.ts'

export type EditorProps = {
  text: string
  onChange: (text: string) => void
  findings: Trial['findings']
  /** The line to be marked, from 1. */
  marked: number | null
  /** Line and column count from 0. */
  complete: (text: string, line: number, column: number) => Promise<Suggestion[]>
}

/** A text editor for mapping files. A chunk of its own: only the playground loads it. */
export default function Editor({ text, onChange, findings, marked, complete }: EditorProps): ReactNode {
  const holder = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView | null>(null)
  // What the editor calls is always the newest: it lives longer than one drawing of the page.
  const calls = useRef({ onChange, complete })
  calls.current = { onChange, complete }

  // biome-ignore lint/correctness/useExhaustiveDependencies: the text that it begins with; later ones come by the effect below.
  useEffect(() => {
    if (!holder.current) return
    const made = new EditorView({
      doc: text,
      parent: holder.current,
      extensions: [
        EXTENSIONS,
        autocompletion({ override: [(context) => suggestionsAt(context, calls.current.complete)] }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) calls.current.onChange(update.state.doc.toString())
        }),
      ],
    })
    view.current = made
    return () => made.destroy()
  }, [])

  useEffect(() => {
    const shown = view.current
    if (shown && shown.state.doc.toString() !== text)
      shown.dispatch({ changes: { from: 0, to: shown.state.doc.length, insert: text } })
  }, [text])

  useEffect(() => {
    const shown = view.current
    if (shown)
      shown.dispatch(
        setDiagnostics(
          shown.state,
          findings.map((one) => diagnosticOf(one, shown.state.doc)),
        ),
      )
  }, [findings])

  useEffect(() => {
    view.current?.dispatch({ effects: markLine.of(marked) })
  }, [marked])

  return <div ref={holder} className="editor" />
}

const markLine = StateEffect.define<number | null>()
const lineMark = Decoration.line({ class: 'written-here' })

/** The line that wrote the value somebody points at. */
const markedLine = StateField.define({
  create: () => Decoration.none,
  update(shown, transaction) {
    for (const effect of transaction.effects)
      if (effect.is(markLine)) {
        const { doc } = transaction.state
        if (effect.value === null || effect.value > doc.lines) return Decoration.none
        return Decoration.set(lineMark.range(doc.line(effect.value).from))
      }
    return shown.map(transaction.changes)
  },
  provide: (field) => EditorView.decorations.from(field),
})

const COLOURS = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--accent)' },
  { tag: tags.comment, color: 'var(--soft)', fontStyle: 'italic' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--ok)' },
])

const LOOK = EditorView.theme({
  '&': { fontSize: '12.5px', border: '1px solid var(--line)', borderRadius: '4px', backgroundColor: 'var(--page)' },
  '&.cm-focused': { outline: '2px solid var(--accent)' },
  '.cm-scroller': { fontFamily: 'var(--mantine-font-family-monospace)', minHeight: '320px', maxHeight: '70vh' },
  '.cm-content': { caretColor: 'var(--ink)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '.cm-gutters': { backgroundColor: 'var(--page)', color: 'var(--soft)', border: 'none' },
  '.written-here': { backgroundColor: 'var(--wait-soft)', boxShadow: 'inset 3px 0 0 var(--wait)' },
  '.cm-tooltip': { backgroundColor: 'var(--card)', color: 'var(--ink)', border: '1px solid var(--line)' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--accent)', color: 'var(--card)' },
  '.cm-completionDetail': { color: 'inherit' },
})

const EXTENSIONS: Extension = [
  lineNumbers(),
  history(),
  drawSelection(),
  yaml(),
  syntaxHighlighting(COLOURS),
  lintGutter(),
  markedLine,
  LOOK,
  EditorView.lineWrapping,
  // Tab leaves the editor, as it leaves every field (WCAG 2.1.2).
  keymap.of([...completionKeymap, ...historyKeymap, ...defaultKeymap]),
  EditorView.contentAttributes.of({ 'aria-label': t('playground.mappingText'), spellcheck: 'false' }),
  EditorView.cspNonce.of(styleNonce()),
]

function diagnosticOf({ place, severity, message, fix, code }: Trial['findings'][number], doc: Text): Diagnostic {
  const line = doc.line(Math.min(Math.max(place.line ?? 1, 1), doc.lines))
  const from = Math.min(line.from + Math.max((place.column ?? 1) - 1, 0), line.to)
  const length = /^(\$?[\w-]+|.)/.exec(doc.sliceString(from, line.to))?.[0].length ?? 0
  return { from, to: from + length, severity, message: `${code}: ${message}\n${fix}` }
}

async function suggestionsAt(
  context: CompletionContext,
  complete: EditorProps['complete'],
): Promise<CompletionResult | null> {
  const before = context.matchBefore(/\$?[\w-]*/)
  const asked = context.explicit || (before !== null && before.from < before.to) || context.matchBefore(/[.$]/) !== null
  if (!asked) return null
  const line = context.state.doc.lineAt(context.pos)
  const items = await complete(context.state.doc.toString(), line.number - 1, context.pos - line.from)
  if (context.aborted || !items.length) return null
  return {
    from: before?.from ?? context.pos,
    options: items.map(({ label, kind, detail, documentation }) => ({
      label,
      detail,
      type: kind === 'field' ? 'property' : kind,
      ...(documentation ? { info: documentation } : {}),
    })),
    validFor: /^\$?[\w-]*$/,
  }
}
