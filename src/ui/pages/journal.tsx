import type { ReactNode } from 'react'
import type { JournalEntry } from '../api/types.ts'
import { JsonView } from '../parts/json-view.tsx'
import { State } from '../parts/mark.tsx'
import { At } from '../parts/moment.tsx'
import { Panel } from '../parts/page.tsx'
import { Plain } from '../parts/plain.tsx'
import { ErrorLine } from '../parts/stored-error.tsx'
import { Link } from '../routing/link.tsx'
import { to } from '../routing/to.ts'
import { rich, t } from '../texts/index.ts'

/** What happened to a record, newest first; each entry opens to what went in, came out and stood there before. */
export function Journal({
  entries,
  title = t('record.journal'),
}: {
  entries: JournalEntry[]
  title?: string
}): ReactNode {
  return (
    <Panel title={title}>
      {entries.length === 0 ? (
        <p className="nothing">{t('record.nothingIsWrittenDownAbout')}</p>
      ) : (
        <ol className="journal">
          {entries.map((entry) => (
            <li key={`${entry.at} ${entry.sync} ${entry.part} ${entry.seq} ${entry.outcome}`}>
              <Entry entry={entry} />
            </li>
          ))}
        </ol>
      )}
    </Panel>
  )
}

function Entry({ entry }: { entry: JournalEntry }): ReactNode {
  return (
    <details>
      <summary>
        <At at={entry.at} /> <State state={entry.outcome} /> <Plain>{entry.sync ?? entry.stream ?? entry.kind}</Plain>{' '}
        {entry.operation} {entry.target !== null && <Plain>{`→ ${entry.target}`}</Plain>}{' '}
        {entry.part && <Plain>{t('record.part', { part: entry.part })}</Plain>} <ErrorLine error={entry.error} />
      </summary>
      <p className="dim">
        {rich('record.sequence', {
          value: entry.runId !== null && (
            <Link href={to.run(entry.runId)}>{t('record.run', { runId: entry.runId })}</Link>
          ),
          seq: entry.seq,
          value2: entry.mappingVersion && rich('record.mapping', { code: <code>{entry.mappingVersion}</code> }),
        })}
      </p>
      <h3>{t('record.whatWentIn')}</h3>
      <JsonView json={entry.input} label={t('record.whatWentIn')} none={t('record.notKept')} />
      <h3>{t('record.whatTheMappingGave')}</h3>
      <JsonView json={entry.output} label={t('record.whatTheMappingGave')} none={t('record.nothing')} />
      <h3>{t('record.whatTheTargetHeldBefore')}</h3>
      <JsonView json={entry.before} label={t('record.whatTheTargetHeldBefore')} none={t('record.nothingOrNotKnown')} />
    </details>
  )
}
