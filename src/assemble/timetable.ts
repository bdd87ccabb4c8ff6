import type { ScheduleDescription } from '../http/index.ts'
import type { EntityType } from '../identity/index.ts'
import type { SyncDefinition, Schedule as SyncSchedule } from '../mapping/index.ts'
import { type HubModel, streamsOf } from '../pipeline/index.ts'
import { nextSlots, type Rhythm, type Schedule, scheduleKey } from '../queue/index.ts'

/** Which streams are pulled when; `sync` is null where an entity file asks for it. */
export type Entry = { schedule: Schedule; sync: string | null; full: boolean; streams(model: HubModel): number[] }

type Scheduled = { syncs: readonly SyncDefinition[]; entities: readonly EntityType[] }

const rhythmOf = (schedule: SyncSchedule): Rhythm | null =>
  schedule.kind === 'interval' || schedule.kind === 'cron' ? schedule : null

/** The schedules of all syncs, the incremental ones and apart from them the full ones, and those of entities. */
export function timetable({ syncs, entities }: Scheduled): Entry[] {
  const ofSyncs = syncs.flatMap((sync) => {
    const incremental = sync.schedule.map((schedule, i) => entry(sync.name, `sync:${sync.name}:${i}`, schedule, false))
    const full = sync.fullSchedule ? [entry(sync.name, `full:${sync.name}`, sync.fullSchedule, true)] : []
    return [...incremental, ...full].filter((found) => found !== null)
  })
  return [...ofSyncs, ...entities.flatMap(ofEntity)]
}

function ofEntity({ name, schedule, records, timeline }: EntityType): Entry[] {
  const streams = (model: HubModel): number[] => [
    ...new Set([...records, ...timeline].flatMap(({ from }) => model.streamId(from) ?? [])),
  ]
  return schedule.flatMap((one, i) => {
    const rhythm = rhythmOf(one)
    return rhythm ? [{ schedule: { name: `entity:${name}:${i}`, rhythm }, sync: null, full: false, streams }] : []
  })
}

function entry(sync: string, name: string, schedule: SyncSchedule, full: boolean): Entry | null {
  const rhythm = rhythmOf(schedule)
  const streams = (model: HubModel): number[] => {
    const known = model.syncByName(sync)
    return known ? streamsOf(model, known) : []
  }
  return rhythm && { schedule: { name, rhythm }, sync, full, streams }
}

/** The timetable for people, with the coming slots; webhook and manual syncs are named without slots. */
export function describeTimetable(scheduled: Scheduled, count: number, now: Date): ScheduleDescription[] {
  const timed = timetable(scheduled).map(
    ({ schedule, sync, full }): ScheduleDescription => ({
      schedule: scheduleKey(schedule),
      sync,
      stream: null,
      kind: schedule.rhythm.kind,
      expression:
        schedule.rhythm.kind === 'cron' ? schedule.rhythm.expression : `every ${inWords(schedule.rhythm.everyMs)}`,
      zone: schedule.rhythm.kind === 'cron' ? schedule.rhythm.zone : null,
      full,
      next: nextSlots(schedule, count, now),
    }),
  )
  const untimed = scheduled.syncs.flatMap((sync) =>
    sync.schedule.flatMap((schedule): ScheduleDescription[] =>
      schedule.kind === 'webhook' || schedule.kind === 'manual'
        ? [
            {
              schedule: `${schedule.kind}:${sync.name}`,
              sync: sync.name,
              stream: null,
              kind: schedule.kind,
              expression: schedule.kind,
              zone: null,
              full: false,
              next: [],
            },
          ]
        : [],
    ),
  )
  return [...timed, ...untimed]
}

function inWords(ms: number): string {
  for (const [unit, size] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
  ] as const) {
    if (ms % size === 0) return `${ms / size}${unit}`
  }
  return `${ms}ms`
}
