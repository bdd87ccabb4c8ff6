import type { ReactNode } from 'react'
import type { ConnectorDetail } from '../../api/types.ts'
import { Mark } from '../../parts/mark.tsx'
import { Plain } from '../../parts/plain.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { t } from '../../texts/index.ts'

type Stream = ConnectorDetail['streams'][number]

/** The ability sheet: one row per stream, yes and no as sign and word. */
export function Capabilities({ streams }: { streams: Stream[] }): ReactNode {
  if (!streams.length) return <p className="nothing">{t('connectors.itsStreamsAreKnownOnly')}</p>
  return <Table label={t('connectors.abilities')} rows={streams} keyOf={({ name }) => name} columns={COLUMNS} />
}

const can = (head: string, able: (abilities: Stream['abilities']) => boolean | string): Column<Stream> => ({
  head,
  cell: ({ abilities }) => <Ability able={able(abilities)} />,
})

const COLUMNS: Column<Stream>[] = [
  {
    head: t('connectors.stream'),
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
  can(t('connectors.read'), ({ read }) => read),
  can(t('connectors.onlyChanges'), ({ incremental }) => incremental),
  can(t('connectors.deletions'), ({ deletions }) => (deletions === 'none' ? false : deletions)),
  can(t('connectors.webhooks'), ({ webhook }) => webhook),
  can(t('connectors.create'), ({ create }) => create),
  can(t('connectors.update'), ({ update, partialUpdate }) =>
    update && partialUpdate ? t('connectors.byField') : update,
  ),
  can(t('connectors.upsert'), ({ upsert, upsertBy }) =>
    upsert && upsertBy.length ? t('connectors.by', { upsertBy: upsertBy.join(', ') }) : upsert,
  ),
  can(t('connectors.delete'), (abilities) => abilities.delete),
  can(t('connectors.lookUp'), ({ lookup }) =>
    lookup.length ? t('connectors.by2', { lookup: lookup.join(', ') }) : false,
  ),
  can(t('connectors.files'), ({ content }) => content),
]

function Ability({ able }: { able: boolean | string }): ReactNode {
  return able ? (
    <Mark tone="ok">{able === true ? t('connectors.yes') : able}</Mark>
  ) : (
    <Mark tone="idle">{t('connectors.no')}</Mark>
  )
}
