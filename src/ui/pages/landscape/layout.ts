/** Where systems stand and how the lines between them run. Pure: the same systems always stand at the same places. */

export const WIDTH = 900
export const HEIGHT = 460
const NODE = { width: 132, height: 40 }

type Point = { x: number; y: number }
export type PlacedNode = Point & { name: string }
export type PlacedEdge = { path: string; middle: Point; sync: string }

/** Systems around an oval, in the order of their names. */
export function placeNodes(names: readonly string[]): PlacedNode[] {
  const sorted = [...names].sort()
  const across = sorted.length > 2 ? WIDTH / 2 - NODE.width / 2 - 10 : WIDTH / 4
  const down = sorted.length > 2 ? HEIGHT / 2 - NODE.height - 6 : 0
  return sorted.map((name, i) => {
    const angle = Math.PI + (2 * Math.PI * i) / sorted.length
    return { name, x: WIDTH / 2 + across * Math.cos(angle), y: HEIGHT / 2 + down * Math.sin(angle) }
  })
}

type Line = { sync: string; from: string; to: string }

/** Curves that begin and end at the rims of the nodes; several between the same two lie side by side. */
export function placeEdges(lines: readonly Line[], nodes: readonly PlacedNode[]): PlacedEdge[] {
  const at = new Map(nodes.map((node) => [node.name, node]))
  const seen = new Map<string, number>()
  return lines.flatMap((line): PlacedEdge[] => {
    const [from, to] = [at.get(line.from), at.get(line.to)]
    if (!from || !to) return []
    const pair = [line.from, line.to].sort().join(' ')
    const number = seen.get(pair) ?? 0
    seen.set(pair, number + 1)
    return [from === to ? loop(line.sync, from, number) : curve(line, from, to, number)]
  })
}

const BOW = 34

function curve({ sync, from, to }: Line, a: Point, b: Point, number: number): PlacedEdge {
  const [dx, dy] = [b.x - a.x, b.y - a.y]
  const length = Math.hypot(dx, dy) || 1
  // The side does not depend on the direction, so that there and back do not lie on each other.
  const side = (from < to ? 1 : -1) * (number % 2 === 0 ? 1 : -1)
  const bow = BOW * (Math.floor(number / 2) + 0.6) * side
  const control = { x: (a.x + b.x) / 2 - (dy / length) * bow * 2, y: (a.y + b.y) / 2 + (dx / length) * bow * 2 }
  const [start, end] = [rim(a, control), rim(b, control)]
  const middle = { x: (start.x + 2 * control.x + end.x) / 4, y: (start.y + 2 * control.y + end.y) / 4 }
  return { sync, middle, path: `M${round(start)} Q${round(control)} ${round(end)}` }
}

/** A system that writes into itself. */
function loop(sync: string, { x, y }: Point, number: number): PlacedEdge {
  const top = y - NODE.height / 2
  const height = 40 + 26 * number
  return {
    sync,
    middle: { x, y: top - height * 0.75 },
    path: `M${x - 30} ${top} C${x - 50} ${top - height} ${x + 50} ${top - height} ${x + 30} ${top}`,
  }
}

/** Where the line from the middle of a node towards a point leaves its rectangle. */
function rim(node: Point, towards: Point): Point {
  const [dx, dy] = [towards.x - node.x, towards.y - node.y]
  const share = Math.min(
    (NODE.width / 2 + 4) / Math.max(Math.abs(dx), 0.001),
    (NODE.height / 2 + 4) / Math.max(Math.abs(dy), 0.001),
    1,
  )
  return { x: node.x + dx * share, y: node.y + dy * share }
}

const round = ({ x, y }: Point): string => `${Math.round(x)} ${Math.round(y)}`
export const NODE_SIZE = NODE
