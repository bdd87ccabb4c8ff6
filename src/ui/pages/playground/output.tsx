import { type ReactNode, useState } from 'react'
import { type JsonText, parseAnswer } from '../../api/json-text.ts'
import type { Trial } from '../../api/types.ts'
import { JsonView } from '../../parts/json-view.tsx'
import { Mark } from '../../parts/mark.tsx'
import { Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { StoredErrorView } from '../../parts/stored-error.tsx'
import { rich, t } from '../../texts/index.ts'

type Marking = { mark: (line: number | null) => void }
type Origin = Trial['origins'][number]

/** What comes out, value by value with the line that wrote it, and as it would be sent. */
export function Output({ trial, mark }: { trial: Trial } & Marking): ReactNode {
  return (
    <Panel title={t('playground.output')} aside={<Outcome outcome={trial.outcome} />}>
      {trial.outcome === null && (
        <p className="nothing">
          {trial.findings.some(({ severity }) => severity === 'error')
            ? t('playground.theTextIsNoMapping')
            : t('playground.chooseARecordToSee')}
        </p>
      )}
      {trial.outcome === 'filtered' && <p>{t('playground.theConditionUnderWhenIs')}</p>}
      {trial.error && <StoredErrorView error={trial.error} />}
      {trial.parts.map(({ part, values }) => (
        <div key={part}>
          {part && <h3>{rich('playground.part', { name: <Plain>{part}</Plain> })}</h3>}
          {values && <Written values={values} origins={trial.origins} mark={mark} />}
          <JsonView
            json={values}
            label={part ? t('playground.outputPart', { part }) : t('playground.output')}
            none={t('playground.nothing')}
          />
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
      <ul className="written" aria-label={t('playground.whichLineWroteWhat')}>
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
              <Plain>{origin.field || t('playground.allOfIt')}</Plain>
              <code>
                <Plain>{inShort(textAt(read, origin.field))}</Plain>
              </code>
              <small>{t('playground.line', { line: origin.place.line })}</small>
            </button>
          </li>
        ))}
      </ul>
      {/* At a place of its own, so that no row moves away under the pointer. */}
      <div className="explained" id={EXPLAINED}>
        {shown ? <Explained origin={shown} /> : <span>{t('playground.pointAtAValueTo')}</span>}
      </div>
    </>
  )
}

const EXPLAINED = 'explained'
/** A row of the list shows less; all of it stands below. */
const MOST_SHOWN = 500
const inShort = (text: string): string => (text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text)

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
            = <Plain>{inShort(value?.text ?? t('playground.nothing2'))}</Plain>
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
  if (at === undefined) return t('playground.leftOut')
  return at === null ? 'null' : ((at as JsonText).text ?? '…')
}
