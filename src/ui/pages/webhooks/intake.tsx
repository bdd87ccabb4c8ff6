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

type Row = Intake['items'][number]

/** By address: what was believed, what came twice, and what was refused for which cause. */
export function IntakePanel(): ReactNode {
  const intake = useAnswer<Intake>('/webhook-intake')
  return (
    <Panel
      title="At the door"
      aside={
        intake.data && (
          <small>
            this process, since <Ago at={intake.data.since} />
          </small>
        )
      }
    >
      <List
        source={intake}
        count={intake.data?.items.length}
        never={
          <p>
            Nothing has come. Other systems send to <code>{location.origin}/hooks/CONNECTION</code>.
          </p>
        }
      >
        <Table
          label="Webhooks by address"
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
    head: 'Address',
    cell: ({ connection }) =>
      connection === null ? (
        <span className="dim">names of no connection</span>
      ) : (
        <Link href={to.webhooks({ connection })}>
          <Plain>{`/hooks/${connection}`}</Plain>
        </Link>
      ),
  },
  { head: 'Verified', numeric: true, cell: ({ stored }) => stored.toLocaleString() },
  { head: 'Came again', numeric: true, cell: ({ duplicates }) => duplicates.toLocaleString() },
  { head: 'Handshakes', numeric: true, cell: ({ handshakes }) => handshakes.toLocaleString() },
  { head: 'Refused', className: 'main-cell', cell: ({ refused }) => <Refusals refused={refused} /> },
  { head: 'Last', cell: ({ lastAt }) => <Ago at={lastAt} /> },
]

function Refusals({ refused }: { refused: Row['refused'] }): ReactNode {
  if (!refused.length) return <Mark tone="ok">none</Mark>
  return refused.map(({ code, what, fix, count, lastAt }) => (
    <div key={code}>
      <Mark tone="bad">{count.toLocaleString()}</Mark> <code>{code}</code> <Plain>{what}</Plain>, <Ago at={lastAt} />
      <p className="dim">
        <Plain>{fix}</Plain>
      </p>
    </div>
  ))
}
