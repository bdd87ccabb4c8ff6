import type { ReactNode } from 'react'
import { useAnswer, usePages } from '../../api/queries.ts'
import type { Connection, ConnectorDetail } from '../../api/types.ts'
import { JsonView } from '../../parts/json-view.tsx'
import { List, Loading } from '../../parts/list.tsx'
import { Facts, Page, Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { Table } from '../../parts/table.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import { Link } from '../../routing/link.tsx'
import { usePlace } from '../../routing/place.ts'
import { to } from '../../routing/to.ts'
import { t } from '../../texts/index.ts'
import { ConnectionState } from '../connections.tsx'
import { Capabilities } from './capabilities.tsx'

/** What one connector can do, what a connection of it needs, and which there are. */
export function ConnectorPage(): ReactNode {
  const name = usePlace().query.get('name') ?? ''
  const answer = useAnswer<ConnectorDetail>(`/connectors/${encodeURIComponent(name)}`, 60_000)
  const connector = answer.data
  return (
    <Page title={t('connectors.connector', { name })}>
      {answer.error && <Trouble error={answer.error} retry={() => void answer.refetch()} />}
      {!connector && answer.isPending && <Loading />}
      {connector && (
        <>
          <Panel title={connector.title}>
            {connector.description && <p>{connector.description}</p>}
            <Facts
              items={[
                [t('connectors.protocol'), <code key="p">{connector.protocol}</code>],
                [t('connectors.version'), connector.version ?? '–'],
              ]}
            />
          </Panel>
          <Panel title={t('connectors.whatItCanDo')}>
            <Capabilities streams={connector.streams} />
          </Panel>
          <Connections connector={name} />
          <Schemas connector={connector} />
        </>
      )}
    </Page>
  )
}

function Connections({ connector }: { connector: string }): ReactNode {
  const connections = usePages<Connection>('/connections', { connector })
  return (
    <Panel title={t('connectors.connectionsOfIt')}>
      <List source={connections} count={connections.rows?.length} never={<p>{t('connectors.none')}</p>}>
        <Table
          label={t('connectors.connectionsOfThisConnector')}
          rows={connections.rows ?? []}
          keyOf={({ name }) => name}
          columns={[
            {
              head: t('connectors.connection'),
              cell: ({ name }) => (
                <Link href={to.connection(name)}>
                  <Plain>{name}</Plain>
                </Link>
              ),
            },
            {
              head: t('connectors.state'),
              className: 'main-cell',
              cell: (connection) => <ConnectionState connection={connection} />,
            },
          ]}
        />
      </List>
    </Panel>
  )
}

function Schemas({ connector }: { connector: ConnectorDetail }): ReactNode {
  return (
    <Panel title={t('connectors.schemas')}>
      <ul className="schemas">
        <Schema name={t('connectors.settingsOfAConnection')} json={connector.settings} />
        {connector.streams.flatMap(({ name, readSchema, writeSchema }) => [
          readSchema && <Schema key={`${name} r`} name={t('connectors.asItIsRead', { name })} json={readSchema} />,
          writeSchema && <Schema key={`${name} w`} name={t('connectors.asItIsWritten', { name })} json={writeSchema} />,
        ])}
      </ul>
    </Panel>
  )
}

const Schema = ({ name, json }: { name: string; json: ConnectorDetail['settings'] }): ReactNode => (
  <li>
    <details>
      <summary>
        <Plain>{name}</Plain>
      </summary>
      <JsonView json={json} label={name} none={t('connectors.none')} />
    </details>
  </li>
)
