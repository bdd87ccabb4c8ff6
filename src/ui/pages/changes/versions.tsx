import type { ReactNode } from 'react'
import { usePages } from '../../api/queries.ts'
import type { ConfigurationVersion } from '../../api/types.ts'
import { List } from '../../parts/list.tsx'
import { Mark } from '../../parts/mark.tsx'
import { At } from '../../parts/moment.tsx'
import { More } from '../../parts/more.tsx'
import { Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Link } from '../../routing/link.tsx'
import { useFilters } from '../../routing/place.ts'
import { to } from '../../routing/to.ts'
import { t, word } from '../../texts/index.ts'

/** The configurations that came into force, newest first. */
export function Versions(): ReactNode {
  const { values, clear } = useFilters(['sync', 'mapping'])
  const { sync, mapping } = values
  const versions = usePages<ConfigurationVersion>('/configuration/versions', { sync, mapping })
  const clearAny = sync || mapping ? clear : undefined
  return (
    <Panel title={t('versions.versions')}>
      <List
        source={versions}
        count={versions.rows?.length}
        clear={clearAny}
        never={<p>{t('versions.noneWasKeptYet')}</p>}
      >
        <Table
          label={t('versions.versions')}
          rows={versions.rows ?? []}
          keyOf={({ version }) => version}
          columns={COLUMNS}
        />
        <More pages={versions} what={t('versions.olderVersions')} />
      </List>
    </Panel>
  )
}

const COLUMNS: Column<ConfigurationVersion>[] = [
  {
    head: t('versions.version'),
    cell: ({ version, inForce }) => (
      <>
        <Link href={to.version(version)}>{version}</Link> {inForce && <Mark tone="ok">{t('versions.inForce')}</Mark>}
      </>
    ),
  },
  { head: t('versions.since'), cell: ({ at }) => <At at={at} /> },
  { head: t('versions.who'), cell: ({ actor }) => <Plain>{actor}</Plain> },
  { head: t('versions.how'), cell: (version) => howText(version) },
  { head: t('versions.whatChanged'), className: 'main-cell', cell: (version) => <Changed version={version} /> },
  {
    head: t('versions.why'),
    className: 'main-cell',
    cell: ({ reason }) => (reason === null ? <span className="dim">–</span> : <Plain>{reason}</Plain>),
  },
]

/** By what it came into force. */
export const howText = ({ how, backTo }: ConfigurationVersion): string =>
  how === 'roll_back' && backTo !== null ? t('versions.rollBackTo', { version: backTo }) : word('words', how)

const MOST_NAMED = 4

/** Items by name, or files where no item changed: a comment, a setting of the hub. */
function Changed({ version: { items, files } }: { version: ConfigurationVersion }): ReactNode {
  const named = items.length
    ? items.map(({ kind, name, change }) => ({ name: `${word('words', kind)} ${name}`, change }))
    : files.map(({ path, change }) => ({ name: path, change }))
  const more = named.length - MOST_NAMED
  return (
    <ul>
      {named.slice(0, MOST_NAMED).map((one) => (
        <li key={one.name}>
          <ChangeOf {...one} />
        </li>
      ))}
      {more > 0 && <li className="dim">{t('versions.andMore', { count: more })}</li>}
    </ul>
  )
}

/** The name of something with what became of it. */
export const ChangeOf = ({ name, change }: { name: string; change: string }): ReactNode => (
  <>
    <Plain>{name}</Plain> <span className="dim">{word('words', change)}</span>
  </>
)
