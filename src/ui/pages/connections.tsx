import type { ReactNode } from 'react'
import { usePages } from '../api/queries.ts'
import type { Connection } from '../api/types.ts'
import { FilterChoice, Filters, FilterText } from '../parts/filters.tsx'
import { List } from '../parts/list.tsx'
import { Mark, State } from '../parts/mark.tsx'
import { Ago, Countdown } from '../parts/moment.tsx'
import { More } from '../parts/more.tsx'
import { Page, Panel } from '../parts/page.tsx'
import { Plain } from '../parts/plain.tsx'
import { type Column, Table } from '../parts/table.tsx'
import { Link } from '../routing/link.tsx'
import { useFilters } from '../routing/place.ts'
import { to } from '../routing/to.ts'
import { number, rich, t } from '../texts/index.ts'
import { ConnectionActions } from './connection-actions.tsx'

export function Connections(): ReactNode {
  const { values, any, set, clear } = useFilters(['state', 'connector'])
  const connections = usePages<Connection>('/connections', values)
  const clearAny = any ? clear : undefined
  return (
    <Page title={t('connections.connections')}>
      <Panel title={t('connections.allConnections')}>
        <Filters clear={clearAny}>
          <FilterChoice
            label={t('connections.state')}
            none={t('connections.allInUse')}
            value={values.state}
            choices={['active', 'paused', 'needs_authorisation', 'removed']}
            onChange={(state) => set({ state })}
          />
          <FilterText
            label={t('connections.connector')}
            value={values.connector}
            onChange={(connector) => set({ connector })}
          />
        </Filters>
        <List
          source={connections}
          count={connections.rows?.length}
          clear={clearAny}
          never={<p>{rich('connections.noConnectionYetTheyStand', { code: <code>causeway.yaml</code> })}</p>}
        >
          <Table
            label={t('connections.connections')}
            rows={connections.rows ?? []}
            keyOf={(connection) => connection.name}
            columns={COLUMNS}
          />
          <More pages={connections} what={t('connections.moreConnections')} />
        </List>
      </Panel>
    </Page>
  )
}

const COLUMNS: Column<Connection>[] = [
  {
    head: t('connections.connection'),
    className: 'main-cell',
    cell: (connection) => (
      <Link href={to.connection(connection.name)}>
        <Plain>{connection.name}</Plain>
      </Link>
    ),
  },
  { head: t('connections.connector'), cell: (connection) => <Plain>{connection.connector}</Plain> },
  { head: t('connections.state'), cell: (connection) => <ConnectionState connection={connection} /> },
  { head: t('connections.lastRead'), cell: (connection) => <Ago at={connection.lastPullSuccessAt} /> },
  { head: t('connections.lastWrite'), cell: (connection) => <Ago at={connection.lastPushSuccessAt} /> },
  { head: t('connections.streams'), numeric: true, cell: (connection) => connection.streams },
  {
    head: t('connections.deadLetters'),
    numeric: true,
    cell: ({ name, openDeadLetters }) =>
      openDeadLetters === 0 ? (
        <span className="dim">0</span>
      ) : (
        <Link href={to.deadLetters({ connection: name })}>{number(openDeadLetters)}</Link>
      ),
  },
  { head: t('connections.actions'), cell: (connection) => <ConnectionActions connection={connection} /> },
]

/** State and reason; a wait is shown as a wait that ends, never as a failure. */
export function ConnectionState({ connection }: { connection: Connection }): ReactNode {
  const waits = connection.waitUntil !== null && Date.parse(connection.waitUntil) > Date.now()
  return (
    <>
      {connection.state === 'active' && waits ? (
        <Mark tone="wait">{rich('connections.waits', { time: <Countdown until={connection.waitUntil ?? ''} /> })}</Mark>
      ) : (
        <State state={connection.state} />
      )}
      {(connection.stateReason || (waits && connection.waitReason)) && (
        <p className="dim">
          <Plain>{connection.stateReason ?? connection.waitReason ?? ''}</Plain>
        </p>
      )}
    </>
  )
}
