import { readdirSync, readFileSync } from 'node:fs'

/** CPU seconds and resident bytes of a process and all its descendants, from /proc (Linux). */
export type Usage = { cpuSeconds: number; largestBytes: number; allBytes: number }

const TICKS = 100
const PAGE_BYTES = 4_096

export function usageOf(root: number): Usage {
  const stats = new Map<number, { parent: number; ticks: number; pages: number }>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const text = readFileSync(`/proc/${name}/stat`, 'utf8')
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
      // utime, stime and those of children already waited for; shared memory counts in each process that touched it.
      const ticks = Number(fields[11]) + Number(fields[12]) + Number(fields[13]) + Number(fields[14])
      stats.set(Number(name), { parent: Number(fields[1]), ticks, pages: Number(fields[21]) })
    } catch {
      // Ended between the listing and the reading.
    }
  }
  const family = new Set([root])
  for (let grown = true; grown; ) {
    grown = false
    for (const [pid, { parent }] of stats) if (family.has(parent) && !family.has(pid)) grown = family.add(pid) && true
  }
  const members = [...family].flatMap((pid) => stats.get(pid) ?? [])
  return {
    cpuSeconds: members.reduce((sum, { ticks }) => sum + ticks, 0) / TICKS,
    largestBytes: Math.max(0, ...members.map(({ pages }) => pages)) * PAGE_BYTES,
    allBytes: members.reduce((sum, { pages }) => sum + pages, 0) * PAGE_BYTES,
  }
}
