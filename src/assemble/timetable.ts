import type { ScheduleDescription } from '../http/index.ts'
import type { SyncDefinition, Schedule as SyncSchedule } from '../mapping/index.ts'
import { nextSlots, type Rhythm, type Schedule, scheduleKey } from '../queue/index.ts'

export type Entry = { schedule: Schedule; sync: string; full: boolean }

const rhythmOf = (schedule: SyncSchedule): Rhythm | null =>
  schedule.kind === 'interval' || schedule.kind === 'cron' ? schedule : null

/** The schedules of all syncs: the incremental ones and, apart from them, the full ones. */
export function timetable(syncs: readonly SyncDefinition[]): Entry[] {
  return syncs.flatMap((sync) => {
    const incremental = sync.schedule.map((schedule, i) => entry(sync.name, `sync:${sync.name}:${i}`, schedule, false))
    const full = sync.fullSchedule ? [entry(sync.name, `full:${sync.name}`, sync.fullSchedule, true)] : []
    return [...incremental, ...full].filter((found) => found !== null)
  })
}

function entry(sync: string, name: string, schedule: SyncSchedule, full: boolean): Entry | null {
  const rhythm = rhythmOf(schedule)
  return rhythm && { schedule: { name, rhythm }, sync, full }
}

/** The timetable for people, with the coming slots; webhook and manual syncs are named without slots. */
export function describeTimetable(syncs: readonly SyncDefinition[], count: number, now: Date): ScheduleDescription[] {
  const timed = timetable(syncs).map(
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
  const untimed = syncs.flatMap((sync) =>
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
