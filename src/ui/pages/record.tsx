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
import { rich, t, word } from '../texts/index.ts'
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
    <Page title={t('record.record')}>
      <p className="subtitle">
        <Plain>{id}</Plain> <span className="dim">{t('record.in')}</span> <Plain>{stream}</Plain>
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
    <Panel title={t('record.needsAPerson')}>
      <Table
        label={t('record.deadLettersOfThisRecord')}
        rows={record.deadLetters}
        keyOf={(letter) => letter.id}
        columns={[
          { head: t('record.deadLetter'), cell: (letter) => <Link href={to.deadLetter(letter.id)}>{letter.id}</Link> },
          { head: t('record.code'), cell: (letter) => <code>{letter.code}</code> },
          { head: t('record.sync'), className: 'main-cell', cell: (letter) => <Plain>{letter.sync ?? '–'}</Plain> },
          { head: t('record.since'), cell: (letter) => <Ago at={letter.createdAt} /> },
        ]}
      />
    </Panel>
  )
}

function Log({ record: { log } }: { record: RecordDetail }): ReactNode {
  if (log === null)
    return (
      <Panel title={t('record.asReceived')}>
        <p className="nothing">{t('record.theChangeLogHoldsNo')}</p>
      </Panel>
    )
  return (
    <Panel title={t('record.asReceived')}>
      <Facts
        items={[
          [t('record.inTheSource'), <Presence key="p" deleted={log.deleted} />],
          [t('record.observed'), <At key="o" at={log.observedAt} />],
          [t('record.firstSeen'), <At key="f" at={log.firstSeenAt} />],
          [
            t('record.version'),
            log.version === null ? t('record.theSourceGivesNone') : <Plain key="v">{log.version}</Plain>,
          ],
          [t('record.sequence2'), String(log.seq)],
        ]}
      />
      <JsonView json={log.body} label={t('record.bodyAsReceived')} none={t('record.theBodyWasRemovedBy')} />
      {log.content && <JsonView json={log.content} label={t('record.contentReference')} none="" />}
    </Panel>
  )
}

function Deliveries({ record }: { record: RecordDetail }): ReactNode {
  return (
    <Panel title={t('record.deliveries')}>
      {record.deliveries.length === 0 ? (
        <p className="nothing">{t('record.noSyncHasDeliveredThis')}</p>
      ) : (
        <Table
          label={t('record.deliveries')}
          rows={record.deliveries}
          keyOf={(delivery) => `${delivery.sync} ${delivery.part}`}
          columns={[
            {
              head: t('record.sync'),
              className: 'main-cell',
              cell: (delivery) => (
                <>
                  <Link href={to.sync(delivery.sync)}>
                    <Plain>{delivery.sync}</Plain>
                  </Link>
                  <p className="dim">
                    → <Plain>{delivery.to}</Plain>
                    {delivery.part && rich('record.part2', { name: <Plain>{delivery.part}</Plain> })}
                  </p>
                </>
              ),
            },
            {
              head: t('record.state'),
              cell: (delivery) => (
                <>
                  <State state={delivery.state} />
                  {delivery.waitsFor && (
                    <p>
                      {rich('record.waitsFor', {
                        link: (
                          <Link href={to.record(delivery.waitsFor.stream, delivery.waitsFor.id)}>
                            <Plain>{`${delivery.waitsFor.stream} ${delivery.waitsFor.id}`}</Plain>
                          </Link>
                        ),
                      })}
                    </p>
                  )}
                  <ErrorLine error={delivery.error} />
                </>
              ),
            },
            {
              head: t('record.nextTry'),
              cell: (delivery) => <Ago at={delivery.nextAttemptAt} none="–" />,
            },
            { head: t('record.attempts'), numeric: true, cell: (delivery) => delivery.attempts },
            { head: t('record.changed'), cell: (delivery) => <Ago at={delivery.updatedAt} /> },
            {
              head: t('record.run2'),
              cell: ({ runId }) => (runId === null ? '–' : <Link href={to.run(runId)}>{runId}</Link>),
            },
            {
              head: t('record.targetHolds'),
              cell: ({ delivered, sync }) =>
                delivered === null ? (
                  <span className="dim">{t('record.nothingOfOurs')}</span>
                ) : (
                  <details>
                    <summary>{t('record.values')}</summary>
                    <JsonView json={delivered} label={t('record.deliveredBy', { sync })} none="" />
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
    <Panel title={t('record.theSameThingElsewhere')}>
      {others.length === 0 ? (
        <p className="nothing">{t('record.noLinkToARecord')}</p>
      ) : (
        <Table
          label={t('record.links')}
          rows={others}
          keyOf={(link) => `${link.stream} ${link.id} ${link.part}`}
          columns={[
            {
              head: t('record.record'),
              className: 'main-cell',
              cell: (link) => (
                <Link href={to.record(link.stream, link.id)}>
                  <Plain>{link.id}</Plain>
                </Link>
              ),
            },
            { head: t('record.stream'), cell: (link) => <Plain>{link.stream}</Plain> },
            { head: t('record.part3'), cell: (link) => <Plain>{link.part || '–'}</Plain> },
            { head: t('record.kind'), cell: (link) => word('words', link.alias ? 'alias' : 'link') },
            { head: t('record.since'), cell: (link) => <Ago at={link.createdAt} /> },
          ]}
        />
      )}
    </Panel>
  )
}
