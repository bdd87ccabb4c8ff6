/** What the tables and this process know of one connection. */
export type ConnectionLoad = {
  connection: string
  /** Pieces of work (stream, lane, inbox) that wait. */
  waiting: number
  /** How long the oldest of them waits. */
  oldestAgeMs: number
  /** Pieces of work running in this process. */
  active: number
  paused: boolean
  /** True while a quota or a breaker of this connection says wait. */
  throttled: boolean
}

export type FairnessLimits = {
  /** Pieces of work this process runs at once. */
  total: number
  /** Of which one connection may have this many; less than `total`, so that a slow one never has them all. */
  perConnection: number
}

/**
 * Decides which connections may start one more piece of work each time their name appears in the answer. Free slots are
 * dealt out one by one to whoever has fewest running, then to whoever was served longest ago, then to the oldest work.
 * `servedAt` gives the turn in which a connection was served last; a connection never served comes first.
 */
export function pickStarts(
  loads: ConnectionLoad[],
  limits: FairnessLimits,
  servedAt: ReadonlyMap<string, number>,
): string[] {
  const candidates = loads
    .filter(({ paused, throttled }) => !paused && !throttled)
    .map((load) => ({ ...load, servedAt: servedAt.get(load.connection) ?? -1 }))
  let free = limits.total - loads.reduce((sum, { active }) => sum + active, 0)
  let turn = Math.max(0, ...servedAt.values()) + 1
  const starts: string[] = []
  for (; free > 0; free -= 1) {
    const ready = candidates.filter(({ waiting, active }) => waiting > 0 && active < limits.perConnection)
    const first = ready.reduce<(typeof ready)[number] | undefined>(
      (best, load) => (best && !comesBefore(load, best) ? best : load),
      undefined,
    )
    if (!first) break
    starts.push(first.connection)
    first.waiting -= 1
    first.active += 1
    first.servedAt = turn
    turn += 1
  }
  return starts
}

type Ranked = Pick<ConnectionLoad, 'active' | 'oldestAgeMs'> & { servedAt: number }

function comesBefore(a: Ranked, b: Ranked): boolean {
  if (a.active !== b.active) return a.active < b.active
  if (a.servedAt !== b.servedAt) return a.servedAt < b.servedAt
  return a.oldestAgeMs > b.oldestAgeMs
}
