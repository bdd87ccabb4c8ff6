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

/** What happened to a record, newest first; each entry opens to what went in, came out and stood there before. */
export function Journal({ entries, title = 'Journal' }: { entries: JournalEntry[]; title?: string }): ReactNode {
  return (
    <Panel title={title}>
      {entries.length === 0 ? (
        <p className="nothing">Nothing is written down about this record, or retention has removed it.</p>
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
        {entry.part && <Plain>{`part ${entry.part}`}</Plain>} <ErrorLine error={entry.error} />
      </summary>
      <p className="dim">
        {entry.runId !== null && <Link href={to.run(entry.runId)}>run {entry.runId}</Link>} · sequence {entry.seq}
        {entry.mappingVersion && (
          <>
            {' '}
            · mapping <code>{entry.mappingVersion}</code>
          </>
        )}
      </p>
      <h3>What went in</h3>
      <JsonView json={entry.input} label="What went in" none="Not kept." />
      <h3>What the mapping gave</h3>
      <JsonView json={entry.output} label="What the mapping gave" none="Nothing." />
      <h3>What the target held before</h3>
      <JsonView json={entry.before} label="What the target held before" none="Nothing, or not known." />
    </details>
  )
}
