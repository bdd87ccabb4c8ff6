import { expect, test } from 'vitest'
import { placeEdges, placeNodes } from '../../src/ui/pages/landscape/layout.ts'

test('systems never stand on each other, and lines between the same two have labels of their own', () => {
  for (const count of [1, 2, 3, 8, 14]) {
    const names = Array.from({ length: count }, (_, i) => `system ${i}`)
    const nodes = placeNodes(names)
    for (const a of nodes)
      for (const b of nodes)
        if (a !== b) expect(Math.abs(a.x - b.x) > 60 || Math.abs(a.y - b.y) > 40, `${a.name} ${b.name}`).toBe(true)
    const [from, to] = [names[0]!, names.at(-1)!]
    const lines = [0, 1, 2].flatMap((i) => [
      { sync: `there ${i}`, from, to },
      { sync: `back ${i}`, from: to, to: from },
    ])
    const middles = placeEdges(lines, nodes).map(
      ({ middle }) => `${Math.round(middle.x / 8)} ${Math.round(middle.y / 8)}`,
    )
    expect(new Set(middles).size, `${count}: ${middles}`).toBe(lines.length)
  }
})
