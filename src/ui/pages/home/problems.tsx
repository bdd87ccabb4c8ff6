import type { ReactNode } from 'react'
import type { Problem } from '../../api/types.ts'
import { Mark, type Tone } from '../../parts/mark.tsx'
import { Ago } from '../../parts/moment.tsx'
import { Plain } from '../../parts/plain.tsx'
import { Said } from '../../parts/said.tsx'
import { Table } from '../../parts/table.tsx'
import { Link } from '../../routing/link.tsx'
import { to } from '../../routing/to.ts'
import { number, sentence, t } from '../../texts/index.ts'

const STATUS: Record<Problem['status'], [Tone, string]> = {
  dead: ['bad', t('home.needsYou')],
  failing: ['bad', t('home.failing')],
  retrying: ['wait', t('home.retrying')],
  parked: ['wait', t('home.waitsInVain')],
  drift: ['bad', t('home.sourceHasChanged')],
}

/** Whose it is: ours, theirs, the credential, the quota or the data. */
const CAUSE: Record<Problem['causeClass'], string> = {
  config: t('home.configuration'),
  credential: t('home.credential'),
  quota: t('home.quota'),
  'remote-down': t('home.otherSideIsDown'),
  data: t('home.data'),
  mapping: t('home.mapping'),
  hub: t('home.theHubItself'),
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
  if (!problems.length) return <p className="nothing">{t('home.noOpenProblem')}</p>
  return (
    <Table
      label={t('home.openProblems')}
      rows={problems}
      keyOf={(problem) => `${problem.status} ${problem.connection} ${problem.code} ${problem.fingerprint}`}
      columns={[
        {
          head: t('home.state'),
          cell: ({ status }) => <Mark tone={STATUS[status][0]}>{STATUS[status][1]}</Mark>,
        },
        {
          head: t('home.whatAndWhatToDo'),
          className: 'main-cell',
          cell: (problem) => (
            <>
              <Link href={hrefOf(problem)}>{sentence(problem.meaning)}</Link>
              <p className="dim">
                <Said>{problem.action}</Said>
              </p>
            </>
          ),
        },
        { head: t('home.cause'), cell: (problem) => CAUSE[problem.causeClass] },
        {
          head: t('home.where'),
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
        { head: t('home.count'), numeric: true, cell: (problem) => number(problem.count) },
        { head: t('home.first'), cell: (problem) => <Ago at={problem.firstSeenAt} /> },
        { head: t('home.last'), cell: (problem) => <Ago at={problem.lastSeenAt} /> },
        { head: t('home.code'), cell: (problem) => <code>{problem.code}</code> },
      ]}
    />
  )
}
