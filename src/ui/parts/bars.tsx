import type { ReactNode } from 'react'
import { number, t } from '../texts/index.ts'
import { clockTime } from './clock.ts'
import type { Tone } from './mark.tsx'

type Props = {
  label: string
  hours: { at: Date; value: number }[]
  tone: Tone
  /** What stands for all hours: their sum, or where a sum says nothing the most of one. */
  of?: 'sum' | 'most'
  /** How a value is written; as a number unless told. */
  written?: (value: number) => string
}

const WIDTH = 480
const HEIGHT = 90

/** Bars by hour. The table beside it says the same in numbers. */
export function Bars({ label, hours, tone, of = 'sum', written = number }: Props): ReactNode {
  const highest = Math.max(...hours.map(({ value }) => value))
  const most = Math.max(highest, 1)
  const total = hours.reduce((sum, { value }) => sum + value, 0)
  const step = WIDTH / hours.length
  const [all, name] =
    of === 'sum'
      ? [written(total), t('plots.byHourInAll', { label, total: written(total) })]
      : [written(highest), t('plots.byHourAtMost', { label, most: written(highest) })]
  return (
    <figure className="plot">
      <figcaption>
        {label} <b>{all}</b> {of === 'sum' && <small>{t('plots.atMostInAnHour', { most: written(highest) })}</small>}
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={name}>
        <line className="plot-ground" x1={0} x2={WIDTH} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
        {hours.map(({ at, value }, i) => {
          const height = value === 0 ? 0 : Math.max(2, (value / most) * (HEIGHT - 6))
          return (
            <rect
              key={at.getTime()}
              className={`bar tone-${tone}`}
              x={i * step + 2}
              y={HEIGHT - height}
              width={step - 4}
              height={height}
            >
              <title>{`${clockTime(at)}: ${written(value)}`}</title>
            </rect>
          )
        })}
      </svg>
    </figure>
  )
}
