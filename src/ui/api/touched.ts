/** Which answers an event may have changed, as beginnings of their paths. */
const TOUCHES: Record<string, string[]> = {
  run: ['/runs', '/syncs', '/record', '/queues', '/connections', '/streams', '/problems', '/drifts'],
  problem: ['/problems', '/dead-letters', '/connections', '/syncs', '/runs', '/queues', '/record'],
  conflict: ['/conflicts'],
  bulk: ['/bulk-actions', '/dead-letters', '/conflicts', '/events'],
  review: ['/entity', '/entities', '/entity-reviews'],
  sync: ['/syncs', '/queues', '/problems', '/schedules'],
  connection: ['/connections', '/queues', '/problems', '/syncs'],
  hold: ['/runs', '/problems'],
  drift: ['/drifts', '/problems', '/streams', '/runs'],
}

/** A run that goes on changes its counts and how much waits. */
const PROGRESS = ['/runs', '/queues', '/syncs/']

/** Whether an answer may have changed by events of these kinds ("run.ended"). What has no entry (ticks, a new configuration) touches all. */
export function isTouched(path: string, kinds: ReadonlySet<string>): boolean {
  for (const kind of kinds) {
    const beginnings = kind === 'run.progress' ? PROGRESS : TOUCHES[kind.split('.', 1)[0] ?? '']
    if (!beginnings || beginnings.some((beginning) => path.startsWith(beginning))) return true
  }
  return false
}
