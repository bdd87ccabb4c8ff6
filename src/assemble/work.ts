import { inboxWorker, pullWorker, pushWorker, upkeepWorker } from '../../workers/index.ts'
import type { Settings } from '../config/index.ts'
import type { SyncDefinition } from '../mapping/index.ts'
import { type Ports, streamsOf, sweeps } from '../pipeline/index.ts'
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
  type CallListener,
  call,
  claimSlot,
  dropOldRows,
  dropOldSlots,
  lastSlots,
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
  syncs(): readonly SyncDefinition[]
  /** Beside those of the pipeline. */
  sweeps: Sweep[]
  /** Hears what other processes call out. */
  listen(onCall: (kind: string, id: string) => void): CallListener
}

/** What works by itself. */
export type Work = {
  replaceTimetable(syncs: readonly SyncDefinition[]): void
  /** Begins the work of a lane here, or lets it go on. */
  callLane(job: string): void
  stop(): Promise<void>
}

const INBOX_CONCURRENCY = 8
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
  schedules.replace(allSchedules(parts.syncs()))
  schedules.start()
  const sweeping = startSweeps([...sweeps(ports), ...parts.sweeps], { log: ports.log })
  return {
    replaceTimetable: (syncs) => schedules.replace(allSchedules(syncs)),
    callLane: (job) => lanes.call(job),
    async stop() {
      await Promise.all([schedules.stop(), sweeping.stop(), listener.close()])
      await Promise.all([...takers, inboxes, lanes].map((taker) => taker.stop()))
      await Promise.all([pullGate.empty(), pushGate.empty()])
    },
  }
}

const UPKEEP: Schedule = { name: 'upkeep:partitions', rhythm: { kind: 'interval', everyMs: UPKEEP_EVERY_MS } }
const allSchedules = (syncs: readonly SyncDefinition[]): Schedule[] => [
  ...timetable(syncs).map(({ schedule }) => schedule),
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
      })
      await dropOldSlots(pool, settings.slot_days)
      await forgetStaleUploads(pool)
    },
  }
}

/** A slot is claimed together with the pull it asks for: whoever dies in between leaves something that a sweep finds. */
function slotBook({ pool, ports, holder, syncs }: WorkParts) {
  return {
    claimSlot: (key: string, slot: Date): Promise<boolean> =>
      withTransaction(pool, async (client) => {
        if (!(await claimSlot(client, key, slot, holder))) return false
        const entry = timetable(syncs()).find(({ schedule }) => key.startsWith(`${schedule.name} `))
        const sync = entry && ports.model().syncByName(entry.sync)
        if (sync) await requestPull(client, streamsOf(ports.model(), sync), entry.full ? 'full' : 'incremental', null)
        return true
      }),
    lastSlots: () => lastSlots(pool),
  }
}

/** The wish stands in the ledger; this only wakes somebody for it. */
async function fire({ ports, queue, syncs }: WorkParts, schedule: Schedule): Promise<void> {
  if (schedule.name === UPKEEP.name) return queue.wake('upkeep', 'partitions')
  const entry = timetable(syncs()).find((candidate) => candidate.schedule.name === schedule.name)
  const sync = entry && ports.model().syncByName(entry.sync)
  if (sync) await queue.wakeMany('pull', streamsOf(ports.model(), sync).map(String))
}
