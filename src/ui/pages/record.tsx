import type { ReactNode } from 'react'
import { useAnswer } from '../api/queries.ts'
import { withQuery } from '../api/request.ts'
import type { RecordDetail } from '../api/types.ts'
import { JsonView } from '../parts/json-view.tsx'
import { Loading } from '../parts/list.tsx'
import { State } from '../parts/mark.tsx'
import { Ago, At } from '../parts/moment.tsx'
import { Facts, Page, Panel } from '../parts/page.tsx'
import { Plain } from '../parts/plain.tsx'
import { ErrorLine } from '../parts/stored-error.tsx'
import { Table } from '../parts/table.tsx'
import { Trouble } from '../parts/trouble.tsx'
import { Link } from '../routing/link.tsx'
import { usePlace } from '../routing/place.ts'
import { to } from '../routing/to.ts'
import { Journal } from './journal.tsx'
import { Presence } from './records.tsx'

/** What the hub knows of one record. */
export function RecordPage(): ReactNode {
  const { query } = usePlace()
  const stream = query.get('stream') ?? ''
  const id = query.get('id') ?? ''
  const answer = useAnswer<RecordDetail>(withQuery('/record', { stream, id }))
  const record = answer.data
  return (
    <Page title="Record">
      <p className="subtitle">
        <Plain>{id}</Plain> <span className="dim">in</span> <Plain>{stream}</Plain>
      </p>
      {answer.error && <Trouble error={answer.error} retry={() => void answer.refetch()} />}
      {!record && answer.isPending && <Loading />}
      {record && (
        <>
          {record.deadLetters.length > 0 && <DeadLetters record={record} />}
          <Deliveries record={record} />
          <Log record={record} />
          <Links record={record} />
          <Journal entries={record.journal} />
        </>
      )}
    </Page>
  )
}

function DeadLetters({ record }: { record: RecordDetail }): ReactNode {
  return (
    <Panel title="Needs a person">
      <Table
        label="Dead letters of this record"
        rows={record.deadLetters}
        keyOf={(letter) => letter.id}
        columns={[
          { head: 'Dead letter', cell: (letter) => <Link href={to.deadLetter(letter.id)}>{letter.id}</Link> },
          { head: 'Code', cell: (letter) => <code>{letter.code}</code> },
          { head: 'Sync', className: 'main-cell', cell: (letter) => <Plain>{letter.sync ?? '–'}</Plain> },
          { head: 'Since', cell: (letter) => <Ago at={letter.createdAt} /> },
        ]}
      />
    </Panel>
  )
}

function Log({ record: { log } }: { record: RecordDetail }): ReactNode {
  if (log === null)
    return (
      <Panel title="As received">
        <p className="nothing">
          The change log holds no such record; only a link, a delivery or a dead letter knows this id.
        </p>
      </Panel>
    )
  return (
    <Panel title="As received">
      <Facts
        items={[
          ['In the source', <Presence key="p" deleted={log.deleted} />],
          ['Observed', <At key="o" at={log.observedAt} />],
          ['First seen', <At key="f" at={log.firstSeenAt} />],
          ['Version', log.version === null ? 'the source gives none' : <Plain key="v">{log.version}</Plain>],
          ['Sequence', String(log.seq)],
        ]}
      />
      <JsonView json={log.body} label="Body as received" none="The body was removed by retention." />
      {log.content && <JsonView json={log.content} label="Content reference" none="" />}
    </Panel>
  )
}

function Deliveries({ record }: { record: RecordDetail }): ReactNode {
  return (
    <Panel title="Deliveries">
      {record.deliveries.length === 0 ? (
        <p className="nothing">No sync has delivered this record.</p>
      ) : (
        <Table
          label="Deliveries"
          rows={record.deliveries}
          keyOf={(delivery) => `${delivery.sync} ${delivery.part}`}
          columns={[
            {
              head: 'Sync',
              className: 'main-cell',
              cell: (delivery) => (
                <>
                  <Link href={to.sync(delivery.sync)}>
                    <Plain>{delivery.sync}</Plain>
                  </Link>
                  <p className="dim">
                    → <Plain>{delivery.to}</Plain>
                    {delivery.part && (
                      <>
                        {' '}
                        · part <Plain>{delivery.part}</Plain>
                      </>
                    )}
                  </p>
                </>
              ),
            },
            {
              head: 'State',
              cell: (delivery) => (
                <>
                  <State state={delivery.state} />
                  {delivery.waitsFor && (
                    <p>
                      waits for{' '}
                      <Link href={to.record(delivery.waitsFor.stream, delivery.waitsFor.id)}>
                        <Plain>{`${delivery.waitsFor.stream} ${delivery.waitsFor.id}`}</Plain>
                      </Link>
                    </p>
                  )}
                  <ErrorLine error={delivery.error} />
                </>
              ),
            },
            {
              head: 'Next try',
              cell: (delivery) => <Ago at={delivery.nextAttemptAt} none="–" />,
            },
            { head: 'Attempts', numeric: true, cell: (delivery) => delivery.attempts },
            { head: 'Changed', cell: (delivery) => <Ago at={delivery.updatedAt} /> },
            {
              head: 'Run',
              cell: ({ runId }) => (runId === null ? '–' : <Link href={to.run(runId)}>{runId}</Link>),
            },
            {
              head: 'Target holds',
              cell: ({ delivered, sync }) =>
                delivered === null ? (
                  <span className="dim">nothing of ours</span>
                ) : (
                  <details>
                    <summary>Values</summary>
                    <JsonView json={delivered} label={`Delivered by ${sync}`} none="" />
                  </details>
                ),
            },
          ]}
        />
      )}
    </Panel>
  )
}

function Links({ record }: { record: RecordDetail }): ReactNode {
  const others = record.links.filter((link) => link.stream !== record.stream || link.id !== record.id)
  return (
    <Panel title="The same thing elsewhere">
      {others.length === 0 ? (
        <p className="nothing">No link to a record of another system.</p>
      ) : (
        <Table
          label="Links"
          rows={others}
          keyOf={(link) => `${link.stream} ${link.id} ${link.part}`}
          columns={[
            {
              head: 'Record',
              className: 'main-cell',
              cell: (link) => (
                <Link href={to.record(link.stream, link.id)}>
                  <Plain>{link.id}</Plain>
                </Link>
              ),
            },
            { head: 'Stream', cell: (link) => <Plain>{link.stream}</Plain> },
            { head: 'Part', cell: (link) => <Plain>{link.part || '–'}</Plain> },
            { head: 'Kind', cell: (link) => (link.alias ? 'alias' : 'link') },
            { head: 'Since', cell: (link) => <Ago at={link.createdAt} /> },
          ]}
        />
      )}
    </Panel>
  )
}
