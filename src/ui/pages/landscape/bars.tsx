import type { ReactNode } from 'react'
import { clockTime } from '../../parts/clock.ts'
import type { Tone } from '../../parts/mark.tsx'
import { number, t } from '../../texts/index.ts'

type Props = { label: string; hours: { at: Date; value: number }[]; tone: Tone }

const WIDTH = 480
const HEIGHT = 90

/** Bars by hour. The table beside it says the same in numbers. */
export function Bars({ label, hours, tone }: Props): ReactNode {
  const most = Math.max(...hours.map(({ value }) => value), 1)
  const total = hours.reduce((sum, { value }) => sum + value, 0)
  const step = WIDTH / hours.length
  return (
    <figure className="plot">
      <figcaption>
        {label} <b>{number(total)}</b> <small>{t('landscape.atMostInAnHour', { most })}</small>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={t('landscape.byHourInAll', { label, total })}>
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
              <title>{`${clockTime(at)}: ${number(value)}`}</title>
            </rect>
          )
        })}
      </svg>
    </figure>
  )
}
