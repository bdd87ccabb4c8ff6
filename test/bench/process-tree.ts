import { readdirSync, readFileSync } from 'node:fs'

/** CPU seconds and resident bytes of a process and all its descendants, from /proc (Linux). */
export type Usage = {
  /** By what the process is: the contender itself, its Postgres, other children (the sandbox). */
  cpuSeconds: Record<Kind, number>
  largestBytes: number
  allBytes: number
}
export type Kind = 'main' | 'postgres' | 'children'

type Member = { pid: number; parent: number; command: string; ticks: number; pages: number }

const TICKS = 100
const PAGE_BYTES = 4_096

export function usageOf(root: number): Usage {
  const members = familyOf(root, readAll())
  const cpuSeconds: Usage['cpuSeconds'] = { main: 0, postgres: 0, children: 0 }
  for (const member of members) cpuSeconds[kindOf(member, root)] += member.ticks / TICKS
  return {
    cpuSeconds,
    largestBytes: Math.max(0, ...members.map(({ pages }) => pages)) * PAGE_BYTES,
    allBytes: members.reduce((sum, { pages }) => sum + pages, 0) * PAGE_BYTES,
  }
}

const kindOf = ({ pid, command }: Member, root: number): Kind =>
  pid === root ? 'main' : command === 'postgres' ? 'postgres' : 'children'

function familyOf(root: number, stats: Map<number, Member>): Member[] {
  const family = new Set([root])
  for (let grown = true; grown; ) {
    grown = false
    for (const [pid, { parent }] of stats) if (family.has(parent) && !family.has(pid)) grown = family.add(pid) && true
  }
  return [...family].flatMap((pid) => stats.get(pid) ?? [])
}

function readAll(): Map<number, Member> {
  const stats = new Map<number, Member>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const text = readFileSync(`/proc/${name}/stat`, 'utf8')
      const command = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'))
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
      const pid = Number(name)
      // Of the contender its children's time would be counted twice; of Postgres, ended sessions are worth knowing.
      const own = Number(fields[11]) + Number(fields[12])
      const ended = command === 'postgres' ? Number(fields[13]) + Number(fields[14]) : 0
      stats.set(pid, { pid, parent: Number(fields[1]), command, ticks: own + ended, pages: Number(fields[21]) })
    } catch {
      // Ended between the listing and the reading.
    }
  }
  return stats
}
