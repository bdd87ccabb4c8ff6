import { type ReactNode, useId } from 'react'
import { t } from '../texts/index.ts'
import { clockTime } from './clock.ts'

/** From the ground upwards; the hatching tells parts apart where colours do not. */
export type Part = { name: string; pattern: (typeof PATTERNS)[number] }
type Props = {
  label: string
  parts: Part[]
  hours: { at: Date; value: number[] | null }[]
  written: (value: number) => string
}

const PATTERNS = ['full', 'rising', 'falling', 'level', 'upright', 'dots'] as const
const WIDTH = 480
const HEIGHT = 120

/** Bars by hour, each made of the same parts in the same order. The table beside it says the same in numbers. */
export function StackedBars({ label, parts, hours, written }: Props): ReactNode {
  const id = useId()
  const fill = ({ pattern }: Part): string => (pattern === 'full' ? 'currentColor' : `url(#${id}-${pattern})`)
  const most = Math.max(1, ...hours.map(({ value }) => sum(value)))
  const step = WIDTH / hours.length
  return (
    <figure className="plot">
      <figcaption>{label}</figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={t('plots.partsByHour', { label })}>
        <Patterns id={id} />
        <line className="plot-ground" x1={0} x2={WIDTH} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
        {hours.map(({ at, value }, i) =>
          stackOf(value ?? [], most).map(
            ({ part, y, height, ms }) =>
              height > 0 && (
                <rect
                  key={`${at.getTime()} ${part}`}
                  className={`part part-${part}`}
                  fill={fill(parts[part]!)}
                  x={i * step + 2}
                  y={y}
                  width={step - 4}
                  height={height}
                >
                  <title>{`${clockTime(at)}, ${parts[part]!.name}: ${written(ms)}`}</title>
                </rect>
              ),
          ),
        )}
      </svg>
      <ul className="legend" aria-label={t('plots.legend')}>
        {parts.map((part, i) => (
          <li key={part.name}>
            <svg viewBox="0 0 12 12" aria-hidden="true">
              <rect className={`part part-${i}`} fill={fill(part)} width={12} height={12} />
            </svg>
            {part.name}
          </li>
        ))}
      </ul>
    </figure>
  )
}

const sum = (values: number[] | null): number => (values ?? []).reduce((all, one) => all + one, 0)

/** Where each part of a bar stands, the first one on the ground. */
function stackOf(values: number[], most: number): { part: number; y: number; height: number; ms: number }[] {
  let y = HEIGHT
  return values.map((ms, part) => {
    const height = (ms / most) * (HEIGHT - 6)
    y -= height
    return { part, y, height, ms }
  })
}

const LINES: Record<Exclude<Part['pattern'], 'full' | 'dots'>, string> = {
  rising: 'M-1 5 5-1M3 9 9 3M-1 13 13-1',
  falling: 'M-1 3 5 9M3-1 9 5',
  level: 'M0 2H8M0 6H8',
  upright: 'M2 0V8M6 0V8',
}

function Patterns({ id }: { id: string }): ReactNode {
  const tile = { width: 8, height: 8, patternUnits: 'userSpaceOnUse' } as const
  return (
    <defs>
      {Object.entries(LINES).map(([name, path]) => (
        <pattern key={name} id={`${id}-${name}`} {...tile}>
          <path d={path} className="hatch" />
        </pattern>
      ))}
      <pattern id={`${id}-dots`} {...tile}>
        <circle cx={2} cy={2} r={1.3} className="dot" />
        <circle cx={6} cy={6} r={1.3} className="dot" />
      </pattern>
    </defs>
  )
}
