import type { ReactNode } from 'react'
import type { Problem } from '../../api/types.ts'
import { Mark, type Tone } from '../../parts/mark.tsx'
import { Ago } from '../../parts/moment.tsx'
import { Plain } from '../../parts/plain.tsx'
import { Table } from '../../parts/table.tsx'
import { Link } from '../../routing/link.tsx'
import { to } from '../../routing/to.ts'

const STATUS: Record<Problem['status'], [Tone, string]> = {
  dead: ['bad', 'needs you'],
  failing: ['bad', 'failing'],
  retrying: ['wait', 'retrying'],
  parked: ['wait', 'waits in vain'],
  drift: ['bad', 'source has changed'],
}

/** Whose it is: ours, theirs, the credential, the quota or the data. */
const CAUSE: Record<Problem['causeClass'], string> = {
  config: 'configuration',
  credential: 'credential',
  quota: 'quota',
  'remote-down': 'other side is down',
  data: 'data',
  mapping: 'mapping',
  hub: 'the hub itself',
}

/** Where the records behind a problem are listed. */
const hrefOf = (problem: Problem): string =>
  problem.status === 'dead'
    ? to.deadLetters({ code: problem.code, fingerprint: problem.fingerprint, connection: problem.connection })
    : problem.status === 'drift' && problem.sample !== null
      ? to.run(problem.sample)
      : problem.status === 'failing'
        ? to.runs({ connection: problem.connection, outcome: 'failed' })
        : to.queues(problem.connection)

/** One row per cause, however many records it touches. */
export function Problems({ problems }: { problems: Problem[] }): ReactNode {
  if (!problems.length) return <p className="nothing">No open problem.</p>
  return (
    <Table
      label="Open problems"
      rows={problems}
      keyOf={(problem) => `${problem.status} ${problem.connection} ${problem.code} ${problem.fingerprint}`}
      columns={[
        {
          head: 'State',
          cell: ({ status }) => <Mark tone={STATUS[status][0]}>{STATUS[status][1]}</Mark>,
        },
        {
          head: 'What, and what to do',
          className: 'main-cell',
          cell: (problem) => (
            <>
              <Link href={hrefOf(problem)}>{problem.meaning}</Link>
              <p className="dim">{problem.action}</p>
            </>
          ),
        },
        { head: 'Cause', cell: (problem) => CAUSE[problem.causeClass] },
        {
          head: 'Where',
          cell: (problem) => (
            <>
              {problem.connection === null ? (
                '–'
              ) : (
                <Link href={to.connection(problem.connection)}>
                  <Plain>{problem.connection}</Plain>
                </Link>
              )}
              <p className="dim">
                <Plain>{problem.syncs.length ? problem.syncs.join(', ') : problem.streams.join(', ')}</Plain>
              </p>
            </>
          ),
        },
        { head: 'Count', numeric: true, cell: (problem) => problem.count.toLocaleString() },
        { head: 'First', cell: (problem) => <Ago at={problem.firstSeenAt} /> },
        { head: 'Last', cell: (problem) => <Ago at={problem.lastSeenAt} /> },
        { head: 'Code', cell: (problem) => <code>{problem.code}</code> },
      ]}
    />
  )
}
