import { useQueries } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { request, withQuery } from '../../api/request.ts'
import type { Conflict, EntityDetail, Page } from '../../api/types.ts'
import { State } from '../../parts/mark.tsx'
import { Ago } from '../../parts/moment.tsx'
import { Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { ErrorLine } from '../../parts/stored-error.tsx'
import { Table } from '../../parts/table.tsx'
import { Link } from '../../routing/link.tsx'
import { to } from '../../routing/to.ts'
import { t } from '../../texts/index.ts'

/** What is not done yet about any record of the entity. */
export function UnderWay({ entity }: { entity: EntityDetail }): ReactNode {
  return (
    <Panel title={t('entities.underWay')}>
      {entity.deliveries.length === 0 ? (
        <p className="nothing">{t('entities.everythingIsDelivered')}</p>
      ) : (
        <Table
          label={t('entities.deliveriesUnderWay')}
          rows={entity.deliveries}
          keyOf={(delivery) => `${delivery.sync} ${delivery.stream} ${delivery.id}`}
          columns={[
            {
              head: t('entities.sync'),
              cell: ({ sync }) => (
                <Link href={to.sync(sync)}>
                  <Plain>{sync}</Plain>
                </Link>
              ),
            },
            {
              head: t('entities.record'),
              cell: ({ stream, id }) => (
                <Link href={to.record(stream, id)}>
                  <Plain>{`${stream} ${id}`}</Plain>
                </Link>
              ),
            },
            {
              head: t('entities.state'),
              className: 'main-cell',
              cell: ({ state, error }) => (
                <>
                  <State state={state} /> <ErrorLine error={error} />
                </>
              ),
            },
            { head: t('entities.nextTry'), cell: ({ nextAttemptAt }) => <Ago at={nextAttemptAt} none="–" /> },
          ]}
        />
      )}
      <Conflicts entity={entity} />
    </Panel>
  )
}

/** The queue knows conflicts by record; an entity has few records, and ids of two systems may be the same by chance. */
function Conflicts({ entity }: { entity: EntityDetail }): ReactNode {
  const ids = [...new Set(entity.records.map(({ id }) => id))]
  const answers = useQueries({
    queries: ids.map((record) => {
      const path = withQuery('/conflicts', { record })
      return { queryKey: [path], queryFn: () => request<Page<Conflict>>(path) }
    }),
  })
  const found = new Map(answers.flatMap(({ data }) => data?.items ?? []).map((conflict) => [conflict.id, conflict]))
  const both = [...found.values()].filter(({ fromId, toId }) => ids.includes(fromId) && ids.includes(toId))
  if (!both.length) return null
  return (
    <>
      <h3>{t('entities.conflicts')}</h3>
      <ul>
        {both.map(({ id, sync, field, fromId }) => (
          <li key={id}>
            <Link href={to.conflicts({ sync, record: fromId })}>
              <Plain>{t('entities.in', { field, sync })}</Plain>
            </Link>
          </li>
        ))}
      </ul>
    </>
  )
}
