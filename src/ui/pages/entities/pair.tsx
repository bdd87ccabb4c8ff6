import type { ReactNode } from 'react'
import type { EntityReview } from '../../api/types.ts'
import { Plain } from '../../parts/plain.tsx'
import { Table } from '../../parts/table.tsx'
import { Link } from '../../routing/link.tsx'
import { to } from '../../routing/to.ts'
import { t } from '../../texts/index.ts'
import { Values } from './values.tsx'

export type Reason = { field: string; agreement: number; points: number }

/** Two records field by field, with what each field counts for or against their being the same. */
export function Pair({ review: { id, left, right }, reasons }: { review: EntityReview; reasons: Reason[] }): ReactNode {
  const fields = [...new Set([...Object.keys(left.fields), ...Object.keys(right.fields)])]
  const side = ({ stream, id: record, fields: shown }: EntityReview['left'], name: string) => ({
    head: `${name} ${stream} ${record}`,
    title: (
      <>
        <Plain>{stream}</Plain>{' '}
        <Link href={to.record(stream, record)}>
          <Plain>{record}</Plain>
        </Link>
      </>
    ),
    className: 'half-cell',
    cell: (field: string) => <Values values={shown[field] ?? []} />,
  })
  return (
    <Table
      label={t('entities.recordsOfReview', { id })}
      rows={fields}
      keyOf={(field) => field}
      columns={[
        { head: t('entities.field'), cell: (field) => <Plain>{field}</Plain> },
        side(left, 'left'),
        side(right, 'right'),
        {
          head: t('entities.points'),
          numeric: true,
          cell: (field) => <Points reason={reasons.find((reason) => reason.field === field)} />,
        },
      ]}
    />
  )
}

function Points({ reason }: { reason: Reason | undefined }): ReactNode {
  if (!reason) return <span className="dim">0</span>
  const tone = reason.points > 0 ? 'tone-ok' : reason.points < 0 ? 'tone-bad' : 'dim'
  return (
    <span className={tone}>
      {reason.points > 0 && '+'}
      {reason.points}
    </span>
  )
}
