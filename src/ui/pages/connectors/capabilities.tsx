import type { ReactNode } from 'react'
import type { ConnectorDetail } from '../../api/types.ts'
import { Mark } from '../../parts/mark.tsx'
import { Plain } from '../../parts/plain.tsx'
import { type Column, Table } from '../../parts/table.tsx'

type Stream = ConnectorDetail['streams'][number]

/** The ability sheet: one row per stream, yes and no as sign and word. */
export function Capabilities({ streams }: { streams: Stream[] }): ReactNode {
  if (!streams.length) return <p className="nothing">Its streams are known only when a connection is made.</p>
  return <Table label="Abilities" rows={streams} keyOf={({ name }) => name} columns={COLUMNS} />
}

const can = (head: string, able: (abilities: Stream['abilities']) => boolean | string): Column<Stream> => ({
  head,
  cell: ({ abilities }) => <Ability able={able(abilities)} />,
})

const COLUMNS: Column<Stream>[] = [
  {
    head: 'Stream',
    className: 'main-cell',
    cell: ({ name, title }) => (
      <>
        <Plain>{name}</Plain>
        {title !== name && (
          <p className="dim">
            <Plain>{title}</Plain>
          </p>
        )}
      </>
    ),
  },
  can('Read', ({ read }) => read),
  can('Only changes', ({ incremental }) => incremental),
  can('Deletions', ({ deletions }) => (deletions === 'none' ? false : deletions)),
  can('Webhooks', ({ webhook }) => webhook),
  can('Create', ({ create }) => create),
  can('Update', ({ update, partialUpdate }) => (update && partialUpdate ? 'by field' : update)),
  can('Upsert', ({ upsert, upsertBy }) => (upsert && upsertBy.length ? `by ${upsertBy.join(', ')}` : upsert)),
  can('Delete', (abilities) => abilities.delete),
  can('Look-up', ({ lookup }) => (lookup.length ? `by ${lookup.join(', ')}` : false)),
  can('Files', ({ content }) => content),
]

function Ability({ able }: { able: boolean | string }): ReactNode {
  return able ? <Mark tone="ok">{able === true ? 'yes' : able}</Mark> : <Mark tone="idle">no</Mark>
}
