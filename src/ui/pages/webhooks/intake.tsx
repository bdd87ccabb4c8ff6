import type { ReactNode } from 'react'
import { useAnswer } from '../../api/queries.ts'
import type { Intake } from '../../api/types.ts'
import { List } from '../../parts/list.tsx'
import { Mark } from '../../parts/mark.tsx'
import { Ago } from '../../parts/moment.tsx'
import { Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Link } from '../../routing/link.tsx'
import { to } from '../../routing/to.ts'
import { number, rich, t } from '../../texts/index.ts'

type Row = Intake['items'][number]

/** By address: what was believed, what came twice, and what was refused for which cause. */
export function IntakePanel(): ReactNode {
  const intake = useAnswer<Intake>('/webhook-intake')
  return (
    <Panel
      title={t('webhooks.atTheDoor')}
      aside={
        intake.data && <small>{rich('webhooks.thisProcessSince', { time: <Ago at={intake.data.since} /> })}</small>
      }
    >
      <List
        source={intake}
        count={intake.data?.items.length}
        never={
          <p>
            {rich('webhooks.nothingHasComeOtherSystems', {
              code: <code>{location.origin}/hooks/CONNECTION</code>,
            })}
          </p>
        }
      >
        <Table
          label={t('webhooks.webhooksByAddress')}
          rows={intake.data?.items ?? []}
          keyOf={({ connection }) => connection ?? ''}
          columns={COLUMNS}
        />
      </List>
    </Panel>
  )
}

const COLUMNS: Column<Row>[] = [
  {
    head: t('webhooks.address'),
    cell: ({ connection }) =>
      connection === null ? (
        <span className="dim">{t('webhooks.namesOfNoConnection')}</span>
      ) : (
        <Link href={to.webhooks({ connection })}>
          <Plain>{`/hooks/${connection}`}</Plain>
        </Link>
      ),
  },
  { head: t('webhooks.verified'), numeric: true, cell: ({ stored }) => number(stored) },
  { head: t('webhooks.cameAgain'), numeric: true, cell: ({ duplicates }) => number(duplicates) },
  { head: t('webhooks.handshakes'), numeric: true, cell: ({ handshakes }) => number(handshakes) },
  { head: t('webhooks.refused'), className: 'main-cell', cell: ({ refused }) => <Refusals refused={refused} /> },
  { head: t('webhooks.last'), cell: ({ lastAt }) => <Ago at={lastAt} /> },
]

function Refusals({ refused }: { refused: Row['refused'] }): ReactNode {
  if (!refused.length) return <Mark tone="ok">{t('webhooks.none')}</Mark>
  return refused.map(({ code, what, fix, count, lastAt }) => (
    <div key={code}>
      <Mark tone="bad">{number(count)}</Mark> <code>{code}</code> <Plain>{what}</Plain>, <Ago at={lastAt} />
      <p className="dim">
        <Plain>{fix}</Plain>
      </p>
    </div>
  ))
}
