import type { ReactNode } from 'react'
import type { EntityPicture } from '../../api/types.ts'
import { Ago } from '../../parts/moment.tsx'
import { Plain } from '../../parts/plain.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Link } from '../../routing/link.tsx'
import { to } from '../../routing/to.ts'
import { rich, t } from '../../texts/index.ts'
import { Values } from './values.tsx'

type ShownRecord = EntityPicture['records'][number]

/** A row per field: the value that counts and where it is from, then what each system says. */
export function SideBySide({ entity }: { entity: EntityPicture }): ReactNode {
  const names = [...new Set([...Object.keys(entity.fields), ...entity.records.flatMap((r) => Object.keys(r.fields))])]
  const columns: Column<string>[] = [
    { head: t('entities.field'), cell: (name) => <Plain>{name}</Plain> },
    { head: t('entities.together'), className: 'together', cell: (name) => <Together field={entity.fields[name]} /> },
    ...entity.records.map(
      (record): Column<string> => ({
        head: `${record.stream} ${record.id}`,
        title: <RecordHead record={record} />,
        cell: (name) => <Values values={record.fields[name] ?? []} masked={entity.fields[name]?.masked === true} />,
      }),
    ),
  ]
  return <Table label={t('entities.recordsSideBySide')} rows={names} keyOf={(name) => name} columns={columns} />
}

function Together({ field }: { field: EntityPicture['fields'][string] | undefined }): ReactNode {
  if (!field) return <span className="dim">–</span>
  return (
    <>
      <Values values={field.values} masked={field.masked} />
      <p className="dim">{rich('entities.from', { name: <Plain>{`${field.stream} ${field.id}`}</Plain> })}</p>
    </>
  )
}

function RecordHead({ record: { stream, id, alias, changedAt } }: { record: ShownRecord }): ReactNode {
  return (
    <>
      <Plain>{stream}</Plain>{' '}
      <Link href={to.record(stream, id)}>
        <Plain>{id}</Plain>
      </Link>
      {alias && <small>{t('entities.duplicate')}</small>}
      <br />
      <small>{rich('entities.changed', { time: <Ago at={changedAt} none="–" /> })}</small>
    </>
  )
}
