import { Type } from 'typebox'
import {
  activity,
  isConnection,
  isSync,
  lastSlots,
  listDeadLetters,
  listHours,
  listLimitUse,
  listProblems,
  listQueues,
  MOST_RUNS,
} from '../../store/views/index.ts'
import { API, type App, type RouteContext } from '../app.ts'
import { notFound } from '../problem.ts'
import { Closed, ListOf, MaybeText, MaybeTime, NameParams, Text, Time } from '../schemas/basics.ts'
import { DeadLetter, ProblemGroup, Queue } from '../schemas/ledger.ts'
import { unknownConnection, unknownSync } from '../unknown.ts'

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
const HoursBack = Type.Optional(
  Type.Integer({ minimum: 1, maximum: 168, description: '24 unless told.', examples: [24] }),
)
const Hour = Closed({
  hour: Time,
  runs: Type.Integer(),
  failed: Type.Integer({ description: 'Runs that did not end well.' }),
  read: Type.Integer(),
  written: Type.Integer({ description: 'Records created, updated or deleted.' }),
  dead: Type.Integer({ description: 'Records that became dead letters.' }),
  lag: Type.Union([Type.Integer(), Type.Null()], {
    description: 'Milliseconds: the longest that a run took from the moment it was due to its end.',
  }),
  queued: Type.Union([Type.Integer(), Type.Null()], {
    description: 'Milliseconds: the longest that a run waited in the queue.',
  }),
  timed: Type.Integer({ description: 'Runs that `times` is of.' }),
  times: Closed(
    {
      queue: Type.Integer(),
      limits: Type.Integer(),
      remote: Type.Integer(),
      mapping: Type.Integer(),
      storing: Type.Integer(),
      other: Type.Integer(),
    },
    { description: 'Where the time of these runs went, in milliseconds.' },
  ),
})
const LimitHour = Closed({
  hour: Time,
  limit: Type.String({ description: 'As the manifest calls it; `per_second` is the throttle of the connection.' }),
  shared: Type.Boolean({ description: 'Other connections use it too.' }),
  units: Type.Number({ description: 'The limit as it was then: so many units …' }),
  seconds: Type.Number({ description: '… in so many seconds.' }),
  used: Type.Number({ description: 'Units.' }),
  most: Type.Number({ description: 'Units of the five minutes in which most was used.' }),
})
const NEXT_SLOTS = 5
const LETTERS = 20

/** What is wrong, what waits, what comes next. */
export function operationRoutes(app: App, { hub, database }: RouteContext): void {
  const mustExist = async (kind: 'sync' | 'connection', name: string): Promise<void> => {
    if (await (kind === 'sync' ? isSync : isConnection)(database, name)) return
    throw kind === 'sync' ? unknownSync(hub, name) : unknownConnection(hub, name)
  }

  app.get(
    `${API}/activity`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'showActivity',
        summary: 'What pushes did in the last hours, by sync and hour; hours in which nothing ran are left out',
        tags: ['runs'],
        querystring: Closed({
          hours: HoursBack,
        }),
        response: {
          200: ListOf(
            Closed({
              sync: Type.String(),
              hour: Time,
              runs: Type.Integer(),
              failed: Type.Integer({ description: 'Runs that did not end well.' }),
              written: Type.Integer({ description: 'Records created, updated or deleted.' }),
              unchanged: Type.Integer(),
              dead: Type.Integer({ description: 'Records that became dead letters.' }),
            }),
          ),
        },
      },
    },
    async ({ query }) => ({ items: await activity(database, query.hours ?? 24) }),
  )

  app.get(
    `${API}/hours`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'listHours',
        summary:
          'What all runs did in the last hours: throughput, errors, lag, waits in the queue and where the time went',
        description: `By hour, oldest first; hours in which nothing ran are left out. Of more than ${MOST_RUNS} runs the newest are counted.`,
        tags: ['runs'],
        querystring: Closed({ hours: HoursBack }),
        response: { 200: ListOf(Hour) },
      },
    },
    async ({ query: { hours = 24 } }) => ({ items: await listHours(database, { of: 'hub', name: '', hours }) }),
  )

  app.get(
    `${API}/connections/:name/limits`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'listLimitUse',
        summary: 'What was used of the limits of a connection in the last hours, by limit and hour',
        description:
          'Over all processes of the hub, as their shared books granted it, to the minute; of a limit that several connections share, what all of them used. Hours in which nothing was used are left out.',
        tags: ['connections'],
        params: NameParams('connection'),
        querystring: Closed({ hours: HoursBack }),
        response: { 200: ListOf(LimitHour) },
      },
    },
    async ({ params: { name }, query: { hours = 24 } }) => {
      await mustExist('connection', name)
      return { items: await listLimitUse(database, { connection: name, hours }) }
    },
  )

  for (const kind of ['sync', 'connection'] as const)
    app.get(
      `${API}/${kind}s/:name/hours`,
      {
        config: { access: 'hub:read' },
        schema: {
          operationId: kind === 'sync' ? 'listSyncHours' : 'listConnectionHours',
          summary:
            kind === 'sync'
              ? 'What the runs of a sync did in the last hours: throughput, errors, lag and where the time went'
              : 'What the runs that read or write at a connection did in the last hours: throughput, errors, lag, waits for limits',
          description: `By hour, oldest first; hours in which nothing ran are left out. Of more than ${MOST_RUNS} runs the newest are counted.`,
          tags: ['runs'],
          params: NameParams(kind),
          querystring: Closed({ hours: HoursBack }),
          response: { 200: ListOf(Hour) },
        },
      },
      async ({ params: { name }, query: { hours = 24 } }) => {
        await mustExist(kind, name)
        return { items: await listHours(database, { of: kind, name, hours }) }
      },
    )

  app.get(
    `${API}/problems`,
    {
      config: { access: 'hub:read' },
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
    `${API}/problems/:code/:fingerprint`,
    {
      config: { access: 'records:read' },
      schema: {
        operationId: 'showProblem',
        summary: 'One cause: what it means, what to do, and some of its dead letters',
        tags: ['problems'],
        params: Closed({ code: Text('Error code.', 'CSW-3008'), fingerprint: Text('Cause, as the list gives it.') }),
        response: { 200: Closed({ items: Type.Array(ProblemGroup), deadLetters: Type.Array(DeadLetter) }) },
      },
    },
    async ({ params }) => {
      const items = (await listProblems(database)).filter(
        (problem) => problem.code === params.code && problem.fingerprint === params.fingerprint,
      )
      if (!items.length) throw notFound(`There is no problem ${params.code} ${params.fingerprint} now.`)
      const letters = await listDeadLetters(database, { ...params, limit: LETTERS })
      return { items, deadLetters: letters.items }
    },
  )

  app.get(
    `${API}/queues`,
    {
      config: { access: 'hub:read' },
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
      config: { access: 'hub:read' },
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
