import type { ReactNode } from 'react'
import type { Connection } from '../../api/types.ts'
import { spanInWords, useNow } from '../../parts/clock.ts'
import { Icon } from '../../parts/mark.tsx'
import { Link } from '../../routing/link.tsx'
import { to } from '../../routing/to.ts'
import { t } from '../../texts/index.ts'
import { breadthOf, type Flow } from './flows.ts'
import { HEIGHT, NODE_SIZE, type PlacedEdge, type PlacedNode, placeEdges, placeNodes, WIDTH } from './layout.ts'

/** Systems as boxes, syncs as lines: the broader the more was written, with a sign and the age of what they carry. */
export function Picture({ systems, flows }: { systems: Connection[]; flows: Flow[] }): ReactNode {
  const nodes = placeNodes(systems.map(({ name }) => name))
  const edges = placeEdges(
    flows.map(({ sync, from, to: end }) => ({ sync: sync.name, from, to: end })),
    nodes,
  )
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard (WCAG 2.1.1).
    <section className="scroll" aria-label={t('landscape.pictureOfTheLandscape')} tabIndex={0}>
      <svg className="landscape" viewBox={`0 0 ${WIDTH} ${HEIGHT}`}>
        <title>{t('landscape.systemsAndSyncs')}</title>
        <defs>
          <marker
            id="arrow"
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="9"
            markerHeight="9"
            markerUnits="userSpaceOnUse"
            orient="auto"
          >
            <path d="M0 0L8 4L0 8z" fill="context-stroke" />
          </marker>
        </defs>
        {edges.map((edge) => (
          <Edge key={edge.sync} edge={edge} flow={flows.find(({ sync }) => sync.name === edge.sync)!} />
        ))}
        {nodes.map((node) => (
          <Node key={node.name} node={node} system={systems.find(({ name }) => name === node.name)!} />
        ))}
      </svg>
    </section>
  )
}

function Edge({ edge: { path, middle }, flow }: { edge: PlacedEdge; flow: Flow }): ReactNode {
  const now = useNow()
  const { sync, tone, words, written } = flow
  const age = sync.lastSuccessAt === null ? 'never' : spanInWords(now - Date.parse(sync.lastSuccessAt))
  const label = t('landscape.freshAsOfWrittenIn', { name: sync.name, words, age, written })
  return (
    <Link href={to.sync(sync.name)} className={`edge tone-${tone}`} aria-label={label}>
      <title>{label}</title>
      <path className="edge-hand" d={path} />
      <path
        className={tone === 'busy' ? 'edge-line moving' : 'edge-line'}
        d={path}
        strokeWidth={breadthOf(written)}
        strokeDasharray={tone === 'idle' ? '5 5' : undefined}
        markerEnd="url(#arrow)"
      />
      <g transform={`translate(${Math.round(middle.x)} ${Math.round(middle.y)})`}>
        <rect className="edge-label" x={-46} y={-11} width={92} height={22} rx={11} />
        <g transform="translate(-40 -7)">
          <Icon tone={tone} />
        </g>
        <text x={9} y={4} textAnchor="middle">
          {age}
        </text>
      </g>
    </Link>
  )
}

const LONGEST = 17

function Node({ node: { name, x, y }, system }: { node: PlacedNode; system: Connection }): ReactNode {
  const bad = system.state === 'needs_authorisation' || system.breaker === 'open'
  const tone = bad ? 'bad' : system.state === 'paused' ? 'idle' : 'ok'
  const { width, height } = NODE_SIZE
  return (
    <Link href={to.connection(name)} className="node" aria-label={`${name}, ${system.connector}: ${system.state}`}>
      <title>{`${name} (${system.connector})`}</title>
      <rect x={x - width / 2} y={y - height / 2} width={width} height={height} rx={6} />
      <g transform={`translate(${x - width / 2 + 8} ${y - 7})`}>
        <Icon tone={tone} />
      </g>
      <text x={x - width / 2 + 28} y={y + 4}>
        {name.length > LONGEST ? `${name.slice(0, LONGEST - 1)}…` : name}
      </text>
    </Link>
  )
}
