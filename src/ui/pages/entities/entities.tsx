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
import { OpenReviews } from './open-reviews.tsx'
import { Values } from './values.tsx'

/** Finds people, companies and other things that several systems know, by any of their keys. */
export function Entities(): ReactNode {
  const types = useAnswer<Items<EntityType>>('/entities')
  return (
    <Page title="Entities" aside={<OpenReviews entity={null} />}>
      <List
        source={types}
        count={types.data?.items.length}
        never={
          <p>
            No entity type yet. Files in <code>entities/</code> say which records of several systems are the same.
          </p>
        }
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
    <Panel title="Search">
      <Filters clear={values.q === null ? undefined : clear}>
        <FilterChoice
          label="Type"
          none={types[0]?.title ?? ''}
          value={values.type}
          choices={types.slice(1).map(({ entity }) => entity)}
          onChange={(wanted) => set({ type: wanted })}
        />
        <FilterText
          wide
          label="E-mail address, number, id, or the beginning of a name"
          placeholder="ada@example.org"
          value={values.q}
          onChange={(q) => set({ q })}
        />
      </Filters>
      {values.q === null ? (
        <p className="nothing">Telephone numbers in any spelling, names without accents and in any order.</p>
      ) : (
        <List source={found} count={found.data?.items.length} clear={clear} never={null}>
          <Table
            label="Entities found"
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
    head: 'Entity',
    cell: ({ entity, id }) => (
      <Link href={to.entity(entity, id)}>
        <Plain>{`${entity} ${id}`}</Plain>
      </Link>
    ),
  },
  {
    head: 'What is known',
    className: 'main-cell',
    cell: ({ fields }) =>
      Object.entries(fields).map(([name, field]) => (
        <span className="known" key={name}>
          <small>{name}</small> <Values values={field.values} masked={field.masked} />
        </span>
      )),
  },
  {
    head: 'Records',
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
    <Panel title="Types">
      <Table
        label="Entity types"
        rows={types}
        keyOf={({ entity }) => entity}
        columns={[
          { head: 'Type', cell: ({ title }) => <Plain>{title}</Plain> },
          { head: 'Streams', className: 'main-cell', cell: ({ streams }) => <Plain>{streams.join(', ')}</Plain> },
          {
            head: 'Reviews',
            cell: ({ entity }) => (
              <Group gap={6}>
                <Button component={Link} href={to.reviews(entity)} size="compact-xs" variant="default">
                  Reviews of {entity}
                </Button>
              </Group>
            ),
          },
        ]}
      />
    </Panel>
  )
}
