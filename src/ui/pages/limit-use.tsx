import type { ReactNode } from 'react'
import { useAnswer } from '../api/queries.ts'
import type { Items, LimitHour } from '../api/types.ts'
import { Bars } from '../parts/bars.tsx'
import { byHour, sumOf } from '../parts/by-hour.ts'
import { spanInWords } from '../parts/clock.ts'
import { List } from '../parts/list.tsx'
import { At } from '../parts/moment.tsx'
import { Panel } from '../parts/page.tsx'
import { Plain } from '../parts/plain.tsx'
import { type Column, Table } from '../parts/table.tsx'
import { number, t } from '../texts/index.ts'

/** Kept once a minute. */
const EVERY_MS = 60_000
const SLOT_SECONDS = 300

/** What was used of each limit of a connection in the last day, hour by hour, and the numbers it is drawn from. */
export function LimitUse({ path }: { path: string }): ReactNode {
  const answer = useAnswer<Items<LimitHour>>(`${path}/limits`, EVERY_MS)
  const rows = answer.data?.items
  const limits = [...new Set((rows ?? []).map(({ limit }) => limit))].sort()
  return (
    <Panel title={t('limits.limits')}>
      <List source={answer} count={rows?.length} never={<p>{t('limits.nothingWasUsed')}</p>}>
        <div className="plots">
          {limits.map((limit) => (
            <OfLimit key={limit} rows={(rows ?? []).filter((row) => row.limit === limit)} />
          ))}
        </div>
        <p className="dim">{t('plots.fromLeftToRight')}</p>
        <details>
          <summary>{t('plots.theNumbers')}</summary>
          <Table
            label={t('limits.byHour')}
            rows={[...(rows ?? [])].reverse()}
            keyOf={({ hour, limit }) => `${hour} ${limit}`}
            columns={COLUMNS}
          />
        </details>
      </List>
    </Panel>
  )
}

function OfLimit({ rows }: { rows: LimitHour[] }): ReactNode {
  const newest = rows.at(-1)!
  const busiest = rows.map(shareOf).filter((share) => share !== null)
  return (
    <div>
      <Bars
        label={t('limits.usedOf', { limit: newest.limit })}
        tone="wait"
        hours={byHour(
          rows,
          sumOf(({ used }) => used),
        )}
      />
      <p className="dim">
        {allows(newest)}
        {busiest.length > 0 && ` ${t('limits.busiest', { share: inPercent(Math.max(...busiest)) })}`}
        {newest.shared && ` ${t('limits.shared')}`}
      </p>
    </div>
  )
}

const allows = ({ units, seconds }: LimitHour): string =>
  t('limits.allows', { units: number(units), span: spanInWords(seconds * 1_000) })

/** Of what the limit allows in five minutes; null where it counts over a longer time, of which five minutes say little. */
const shareOf = ({ most, units, seconds }: LimitHour): number | null =>
  seconds > SLOT_SECONDS ? null : most / ((units * SLOT_SECONDS) / seconds)

const inPercent = (share: number): string => number(Math.round(share * 100))

const COLUMNS: Column<LimitHour>[] = [
  { head: t('plots.hour'), cell: ({ hour }) => <At at={hour} /> },
  { head: t('limits.limit'), cell: ({ limit }) => <Plain>{limit}</Plain> },
  { head: t('limits.itAllows'), cell: allows },
  { head: t('limits.used'), numeric: true, cell: ({ used }) => number(used) },
  { head: t('limits.mostInFiveMinutes'), numeric: true, cell: ({ most }) => number(most) },
]
