import { Type } from 'typebox'
import { lastSlots, listProblems, listQueues } from '../../store/views/index.ts'
import { API, type App, type RouteContext } from '../app.ts'
import { Closed, ListOf, MaybeText, MaybeTime, Text, Time } from '../schemas/basics.ts'
import { ProblemGroup, Queue } from '../schemas/ledger.ts'

const ofConnection = Closed({ connection: Type.Optional(Text('Only this connection.', 'crm')) })
const Schedule = Closed({
  schedule: Type.String(),
  sync: MaybeText,
  stream: MaybeText,
  kind: Type.Enum(['interval', 'cron', 'webhook', 'manual']),
  expression: Type.String(),
  zone: MaybeText,
  full: Type.Boolean({ description: 'Reads from the beginning.' }),
  next: Type.Array(Time),
  lastSlot: MaybeTime,
  lastFiredAt: MaybeTime,
})
const NEXT_SLOTS = 5

/** What is wrong, what waits, what comes next. */
export function operationRoutes(app: App, { hub, database }: RouteContext): void {
  app.get(
    `${API}/problems`,
    {
      schema: {
        operationId: 'listProblems',
        summary: 'Dead letters and failures grouped by cause',
        tags: ['problems'],
        querystring: ofConnection,
        response: { 200: ListOf(ProblemGroup) },
      },
    },
    async ({ query }) => ({ items: await listProblems(database, query) }),
  )

  app.get(
    `${API}/queues`,
    {
      schema: {
        operationId: 'listQueues',
        summary: 'Backlog, age, pause and waits of every connection, as if each had queues of its own',
        tags: ['queues'],
        querystring: ofConnection,
        response: { 200: ListOf(Queue) },
      },
    },
    async ({ query }) => ({ items: await listQueues(database, query) }),
  )

  app.get(
    `${API}/schedules`,
    {
      schema: {
        operationId: 'listSchedules',
        summary: 'Timetables with the last slot fired and the next ones',
        tags: ['schedules'],
        response: { 200: ListOf(Schedule) },
      },
    },
    async () => {
      const fired = new Map((await lastSlots(database)).map((slot) => [slot.schedule, slot]))
      return {
        items: hub.schedules(NEXT_SLOTS).map((schedule) => ({
          ...schedule,
          lastSlot: fired.get(schedule.schedule)?.slot ?? null,
          lastFiredAt: fired.get(schedule.schedule)?.firedAt ?? null,
        })),
      }
    },
  )
}
