import { Button, Group } from '@mantine/core'
import type { ReactNode } from 'react'
import { useAnswer } from '../../api/queries.ts'
import { withQuery } from '../../api/request.ts'
import type { EntityPicture, EntityType, Items } from '../../api/types.ts'
import { FilterChoice, Filters, FilterText } from '../../parts/filters.tsx'
import { List } from '../../parts/list.tsx'
import { Page, Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Link } from '../../routing/link.tsx'
import { useFilters } from '../../routing/place.ts'
import { to } from '../../routing/to.ts'
import { rich, t } from '../../texts/index.ts'
import { OpenReviews } from './open-reviews.tsx'
import { Values } from './values.tsx'

/** Finds people, companies and other things that several systems know, by any of their keys. */
export function Entities(): ReactNode {
  const types = useAnswer<Items<EntityType>>('/entities')
  return (
    <Page title={t('entities.entities')} aside={<OpenReviews entity={null} />}>
      <List
        source={types}
        count={types.data?.items.length}
        never={<p>{rich('entities.noEntityTypeYetFiles', { code: <code>entities/</code> })}</p>}
      >
        <Search types={types.data?.items ?? []} />
        <Types types={types.data?.items ?? []} />
      </List>
    </Page>
  )
}

function Search({ types }: { types: EntityType[] }): ReactNode {
  const { values, set, clear } = useFilters(['type', 'q'])
  const type = values.type ?? types[0]?.entity ?? ''
  const path = values.q === null ? null : withQuery(`/entities/${encodeURIComponent(type)}`, { q: values.q })
  const found = useAnswer<Items<EntityPicture>>(path)
  return (
    <Panel title={t('entities.search')}>
      <Filters clear={values.q === null ? undefined : clear}>
        <FilterChoice
          label={t('entities.type')}
          none={types[0]?.title ?? ''}
          value={values.type}
          choices={types.slice(1).map(({ entity }) => entity)}
          onChange={(wanted) => set({ type: wanted })}
        />
        <FilterText
          wide
          label={t('entities.eMailAddressNumberId')}
          placeholder={t('entities.adaExampleOrg')}
          value={values.q}
          onChange={(q) => set({ q })}
        />
      </Filters>
      {values.q === null ? (
        <p className="nothing">{t('entities.telephoneNumbersInAnySpelling')}</p>
      ) : (
        <List source={found} count={found.data?.items.length} clear={clear} never={null}>
          <Table
            label={t('entities.entitiesFound')}
            rows={found.data?.items ?? []}
            keyOf={(entity) => entity.id}
            columns={COLUMNS}
          />
        </List>
      )}
    </Panel>
  )
}

const COLUMNS: Column<EntityPicture>[] = [
  {
    head: t('entities.entity'),
    cell: ({ entity, id }) => (
      <Link href={to.entity(entity, id)}>
        <Plain>{`${entity} ${id}`}</Plain>
      </Link>
    ),
  },
  {
    head: t('entities.whatIsKnown'),
    className: 'main-cell',
    cell: ({ fields }) =>
      Object.entries(fields).map(([name, field]) => (
        <span className="known" key={name}>
          <small>{name}</small> <Values values={field.values} masked={field.masked} />
        </span>
      )),
  },
  {
    head: t('entities.records'),
    cell: ({ records }) =>
      records.map(({ stream, id }) => (
        <p key={`${stream} ${id}`}>
          <Plain>{stream}</Plain>{' '}
          <Link href={to.record(stream, id)}>
            <Plain>{id}</Plain>
          </Link>
        </p>
      )),
  },
]

function Types({ types }: { types: EntityType[] }): ReactNode {
  return (
    <Panel title={t('entities.types')}>
      <Table
        label={t('entities.entityTypes')}
        rows={types}
        keyOf={({ entity }) => entity}
        columns={[
          { head: t('entities.type'), cell: ({ title }) => <Plain>{title}</Plain> },
          {
            head: t('entities.streams'),
            className: 'main-cell',
            cell: ({ streams }) => <Plain>{streams.join(', ')}</Plain>,
          },
          {
            head: t('entities.reviews'),
            cell: ({ entity }) => (
              <Group gap={6}>
                <Button component={Link} href={to.reviews(entity)} size="compact-xs" variant="default">
                  {t('entities.reviewsOf', { entity })}
                </Button>
              </Group>
            ),
          },
        ]}
      />
    </Panel>
  )
}
