import { type ReactNode, useState } from 'react'
import { type JsonText, parseAnswer } from '../../api/json-text.ts'
import type { Trial } from '../../api/types.ts'
import { JsonView } from '../../parts/json-view.tsx'
import { Mark } from '../../parts/mark.tsx'
import { Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { StoredErrorView } from '../../parts/stored-error.tsx'

type Marking = { mark: (line: number | null) => void }
type Origin = Trial['origins'][number]

/** What comes out, value by value with the line that wrote it, and as it would be sent. */
export function Output({ trial, mark }: { trial: Trial } & Marking): ReactNode {
  return (
    <Panel title="Output" aside={<Outcome outcome={trial.outcome} />}>
      {trial.outcome === null && (
        <p className="nothing">
          {trial.findings.some(({ severity }) => severity === 'error')
            ? 'The text is no mapping yet.'
            : 'Choose a record to see what becomes of it.'}
        </p>
      )}
      {trial.outcome === 'filtered' && <p>The condition under “when” is not true for this record.</p>}
      {trial.error && <StoredErrorView error={trial.error} />}
      {trial.parts.map(({ part, values }) => (
        <div key={part}>
          {part && (
            <h3>
              Part <Plain>{part}</Plain>
            </h3>
          )}
          {values && <Written values={values} origins={trial.origins} mark={mark} />}
          <JsonView json={values} label={part ? `Output, part ${part}` : 'Output'} none="Nothing." />
        </div>
      ))}
    </Panel>
  )
}

function Outcome({ outcome }: { outcome: Trial['outcome'] }): ReactNode {
  if (outcome === null) return null
  return <Mark tone={outcome === 'mapped' ? 'ok' : outcome === 'filtered' ? 'idle' : 'bad'}>{outcome}</Mark>
}

/** Pointing at a value, with the mouse or the keyboard, marks its line and says what that read. */
function Written({ values, origins, mark }: { values: JsonText; origins: Origin[] } & Marking): ReactNode {
  const [shown, setShown] = useState<Origin | null>(null)
  const fields = new Set(origins.map(({ field }) => field))
  const read = parseAnswer(values.text, fields)
  const point = (origin: Origin | null): void => {
    setShown(origin)
    mark(origin?.place.line ?? null)
  }
  return (
    <>
      <ul className="written" aria-label="Which line wrote what">
        {origins.map((origin) => (
          <li key={`${origin.field} ${origin.place.line}`}>
            <button
              type="button"
              aria-describedby={shown === origin ? EXPLAINED : undefined}
              onMouseEnter={() => point(origin)}
              onFocus={() => point(origin)}
              onMouseLeave={() => point(null)}
              onBlur={() => point(null)}
            >
              <Plain>{origin.field || '(all of it)'}</Plain>
              <code>
                <Plain>{textAt(read, origin.field)}</Plain>
              </code>
              <small>line {origin.place.line}</small>
            </button>
          </li>
        ))}
      </ul>
      {/* At a place of its own, so that no row moves away under the pointer. */}
      <div className="explained" id={EXPLAINED}>
        {shown ? <Explained origin={shown} /> : <span>Point at a value to see the line that wrote it.</span>}
      </div>
    </>
  )
}

const EXPLAINED = 'explained'

const Explained = ({ origin: { expression, reads } }: { origin: Origin }): ReactNode => (
  <>
    <code>
      <Plain>{expression}</Plain>
    </code>
    {reads.map(({ path, value }) => (
      <p key={path}>
        <Plain>{path}</Plain>
        {!path.startsWith('$') && (
          <>
            {' '}
            = <Plain>{value?.text ?? 'nothing'}</Plain>
          </>
        )}
      </p>
    ))}
  </>
)

/** The text of the value at a path, spelled as it would be sent. */
function textAt(read: unknown, field: string): string {
  let at = read
  for (const step of field === '' ? [] : field.split('.'))
    at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[step] : undefined
  if (at === undefined) return 'left out'
  return at === null ? 'null' : ((at as JsonText).text ?? '…')
}
