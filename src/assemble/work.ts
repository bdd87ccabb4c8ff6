import { inboxWorker, pullWorker, pushWorker, upkeepWorker } from '../../workers/index.ts'
import type { Settings } from '../config/index.ts'
import { ProcessStops } from '../core/index.ts'
import type { EntityType } from '../identity/index.ts'
import type { SyncDefinition } from '../mapping/index.ts'
import { type Ports, sweeps } from '../pipeline/index.ts'
import {
  FairGate,
  NearWork,
  perConnectionLimit,
  type Schedule,
  Schedules,
  type Sweep,
  startSweeps,
  type WorkQueue,
} from '../queue/index.ts'
import {
  beatWorker,
  type CallListener,
  call,
  claimSlot,
  dropOldRows,
  dropOldSlots,
  keepLimitUse,
  lastSlots,
  leaveWorker,
  maintainPartitions,
  requestPull,
  type Store,
  withTransaction,
} from '../store/index.ts'
import { timetable } from './timetable.ts'
import { forgetStaleUploads } from './uploads.ts'

export type WorkParts = {
  ports: Ports
  pool: Store['pool']
  queue: WorkQueue
  settings: Settings
  holder: string
  /** What has schedules. */
  scheduled(): Scheduled
  /** Beside those of the pipeline. */
  sweeps: Sweep[]
  /** Hears what other processes call out. */
  listen(onCall: (kind: string, id: string) => void): CallListener
}

type Scheduled = { syncs: readonly SyncDefinition[]; entities: readonly EntityType[] }

/** What works by itself. */
export type Work = {
  replaceTimetable(scheduled: Scheduled): void
  /** Begins the work of a lane here, or lets it go on. */
  callLane(job: string): void
  stop(): Promise<void>
}

const INBOX_CONCURRENCY = 8
/** The reader of an inbox hears its webhooks itself; should it be gone, the job that comes once a second finds another one. */
const INBOX_QUIET_MS = 2_000
/** People are told within fifteen seconds that nobody works: three of these may be missed. */
const BEAT_MS = 3_000
/** What was used of limits is known to the minute. */
const LIMIT_USE_MS = 60_000
/** What of `shutdown_seconds` a call under way gets for its answer; the rest is for what becomes of it to be committed. */
const SHARE_OF_ANSWERS = 0.7
const UPKEEP_EVERY_MS = 60 * 60_000

/** Starts everything that works by itself: takers of jobs, schedules, sweeps, upkeep. */
export async function startWork(parts: WorkParts): Promise<Work> {
  const { ports, queue, settings } = parts
  const gate = (kind: 'pull' | 'push', total: number): FairGate =>
    new FairGate({ total, perConnection: perConnectionLimit(total), wake: (id) => queue.wake(kind, id) })
  const pullGate = gate('pull', settings.pull_concurrency)
  const pushGate = gate('push', settings.push_concurrency)
  const lanes = new NearWork({
    kind: 'push',
    concurrency: settings.push_concurrency,
    run: pushWorker(ports, pushGate),
    wake: (id) => queue.wake('push', id),
    // Another process is at the lane, and may be resting.
    tellOthers: (id) => void call(parts.pool, 'push', id).catch(() => undefined),
    log: ports.log,
  })
  const inboxes = new NearWork({
    kind: 'inbox',
    concurrency: INBOX_CONCURRENCY,
    run: inboxWorker(ports),
    wake: (id) => queue.wake('inbox', id),
    longestQuietMs: INBOX_QUIET_MS,
    log: ports.log,
  })
  await upkeep(parts).partitions()
  const listener = parts.listen((kind, id) => {
    if (kind === 'inbox') inboxes.call(id)
    if (kind === 'push') lanes.callIfHeld(id)
  })
  const takers = await Promise.all([
    queue.work('pull', pullWorker(ports, pullGate), { concurrency: settings.pull_concurrency }),
    queue.work('push', lanes.handler, { concurrency: settings.push_concurrency }),
    queue.work('inbox', inboxes.handler, { concurrency: INBOX_CONCURRENCY }),
    queue.work('upkeep', upkeepWorker(upkeep(parts)), { concurrency: 1 }),
  ])
  const schedules = new Schedules({ book: slotBook(parts), fire: (schedule) => fire(parts, schedule), log: ports.log })
  schedules.replace(allSchedules(parts.scheduled()))
  schedules.start()
  const beat: Sweep = { name: 'worker-beat', everyMs: BEAT_MS, run: () => beatWorker(parts.pool, parts.holder) }
  const limits: Sweep = { name: 'limit-use', everyMs: LIMIT_USE_MS, run: () => keepLimitUse(parts.pool) }
  const sweeping = startSweeps([beat, limits, ...sweeps(ports), ...parts.sweeps], { log: ports.log })
  return {
    replaceTimetable: (scheduled) => schedules.replace(allSchedules(scheduled)),
    callLane: (job) => lanes.call(job),
    async stop() {
      const reason = new ProcessStops(settings.shutdown_seconds * 1_000 * SHARE_OF_ANSWERS)
      // All at once: a sweep in a long statement must not use up the time that calls under way get for their answers.
      await Promise.all([
        ...[...takers, inboxes, lanes].map((taker) => taker.stop(reason)),
        ...[schedules.stop(), sweeping.stop(), listener.close()],
      ])
      await Promise.all([pullGate.empty(), pushGate.empty()])
      // What it does not say any more is seen by its silence.
      await leaveWorker(parts.pool, parts.holder).catch(() => undefined)
    },
  }
}

const UPKEEP: Schedule = { name: 'upkeep:partitions', rhythm: { kind: 'interval', everyMs: UPKEEP_EVERY_MS } }
const allSchedules = (scheduled: Scheduled): Schedule[] => [
  ...timetable(scheduled).map(({ schedule }) => schedule),
  UPKEEP,
]

function upkeep({ pool, settings }: WorkParts): Record<'partitions', () => Promise<void>> {
  return {
    partitions: async () => {
      await maintainPartitions(pool, {
        inbox: settings.inbox_days,
        journal: settings.journal_days,
        seenEvents: settings.seen_event_days,
      })
      await dropOldRows(pool, {
        runs: settings.run_days,
        deadLetters: settings.dead_letter_days,
        formerLinks: settings.former_link_days,
        configuration: settings.configuration_days,
      })
      await dropOldSlots(pool, settings.slot_days)
      await forgetStaleUploads(pool)
    },
  }
}

/** A slot is claimed together with the pull it asks for: whoever dies in between leaves something that a sweep finds. */
function slotBook({ pool, ports, holder, scheduled }: WorkParts) {
  return {
    claimSlot: (key: string, slot: Date): Promise<boolean> =>
      withTransaction(pool, async (client) => {
        if (!(await claimSlot(client, key, slot, holder))) return false
        const entry = timetable(scheduled()).find(({ schedule }) => key.startsWith(`${schedule.name} `))
        if (entry) await requestPull(client, entry.streams(ports.model()), entry.full ? 'full' : 'incremental', null)
        return true
      }),
    lastSlots: () => lastSlots(pool),
  }
}

/** The wish stands in the ledger; this only wakes somebody for it. */
async function fire({ ports, queue, scheduled }: WorkParts, schedule: Schedule): Promise<void> {
  if (schedule.name === UPKEEP.name) return queue.wake('upkeep', 'partitions')
  const entry = timetable(scheduled()).find((candidate) => candidate.schedule.name === schedule.name)
  if (entry) await queue.wakeMany('pull', entry.streams(ports.model()).map(String))
}
