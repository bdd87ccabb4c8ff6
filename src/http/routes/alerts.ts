import { Type } from 'typebox'
import { CausewayError } from '../../core/index.ts'
import { ALERT_STATES, alertRouteStates, alertSnoozes, listAlertMessages, openAlerts } from '../../store/views/index.ts'
import type { AlertScopeRequest } from '../alert-services.ts'
import { API, type App, type RouteContext } from '../app.ts'
import {
  Closed,
  DEFAULT_LIMIT,
  MaybeTime,
  Moment,
  PageOf,
  paging,
  ReasonBody,
  Stored,
  Text,
  Time,
} from '../schemas/basics.ts'
import { actorOf } from './actor.ts'

const tags = ['alerts']
const MOST_OPEN = 500
/** A receiver may take its ten seconds, after ten to be reached. */
const TEST_MS = 45_000

const Snooze = Type.Union([
  Closed({ until: Time, actor: Type.String(), reason: Type.Union([Type.String(), Type.Null()]) }),
  Type.Null(),
])
const Route = Closed({
  name: Type.String({ description: 'Entry of `alerts:` in causeway.yaml.' }),
  kind: Type.Enum(['webhook', 'slack', 'teams', 'email']),
  tell: Type.Array(Type.String()),
  severity: Type.Enum(['error', 'warning']),
  syncs: Type.Array(Type.String(), { description: 'What it keeps to; empty: all.' }),
  connections: Type.Array(Type.String()),
  waiting: Type.Integer({ description: 'Messages that are not sent yet.' }),
  lastSentAt: MaybeTime,
  lastError: Stored('Why the oldest of those did not get through, as JSON: code, what, why, fix.'),
  snooze: Snooze,
})
const Subject = Closed({
  key: Type.String({ description: 'The same for as long as it is the same thing.' }),
  kind: Type.Enum(['problem', 'late', 'authorisation']),
  round: Type.Integer({ description: 'How often it has begun.' }),
  since: Time,
  content: Stored('What is told: title, severity, code, connection, syncs, streams, count.'),
  snooze: Snooze,
})
const Message = Closed({
  id: Type.String({ description: 'Goes along with every attempt.' }),
  route: Type.String(),
  change: Type.Enum(['opened', 'reopened', 'recovered', 'digest']),
  state: Type.Enum([...ALERT_STATES]),
  attempts: Type.Integer(),
  createdAt: Time,
  nextAt: MaybeTime,
  endedAt: MaybeTime,
  content: Stored('What is told.'),
  error: Stored('Why the last attempt failed.'),
})
const Scope = {
  route: Type.Optional(Text('A route.', 'ops')),
  subject: Type.Optional(Text('Or one thing that is wrong, by its key.')),
}

/** Who is told what is wrong. */
export function alertRoutes(app: App, { hub, database }: RouteContext): void {
  app.get(
    `${API}/alerts`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'listAlerts',
        summary: 'Routes of alerts with how far each is, and what is wrong now as they tell it',
        tags,
        response: { 200: Closed({ routes: Type.Array(Route), open: Type.Array(Subject) }) },
      },
    },
    async () => {
      const [states, snoozes, open] = await Promise.all([
        alertRouteStates(database),
        alertSnoozes(database),
        openAlerts(database, MOST_OPEN),
      ])
      const routes = hub.alerts.routes().map((route) => {
        const { route: _name, ...state } = states.find((candidate) => candidate.route === route.name) ?? {
          route: route.name,
          waiting: 0,
          lastSentAt: null,
          lastError: null,
        }
        return { ...route, ...state, snooze: snoozes.get(`route:${route.name}`) ?? null }
      })
      return { routes, open }
    },
  )

  app.get(
    `${API}/alerts/messages`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'listAlertMessages',
        summary: 'What was told, or is about to be, newest first',
        tags,
        querystring: Closed({
          ...paging,
          route: Type.Optional(Text('Only of this route.', 'ops')),
          state: Type.Optional(Type.Enum([...ALERT_STATES])),
        }),
        response: { 200: PageOf(Message) },
      },
    },
    ({ query }) => listAlertMessages(database, { ...query, limit: query.limit ?? DEFAULT_LIMIT }),
  )

  app.post(
    `${API}/alerts/routes/:route/test`,
    {
      handlerTimeout: TEST_MS,
      config: { access: 'alerts:operate' },
      schema: {
        operationId: 'testAlertRoute',
        summary: 'Sends a message to a route now; an error says what stands in the way',
        tags,
        params: Closed({ route: Text('Name of the entry in `alerts:`.', 'ops') }),
        body: ReasonBody,
        response: { 200: Closed({ sent: Type.Boolean() }) },
      },
    },
    async ({ params, body, caller }) => {
      await hub.alerts.test(params.route, actorOf(caller, body))
      return { sent: true }
    },
  )

  app.post(
    `${API}/alerts/snooze`,
    {
      config: { access: 'alerts:operate' },
      schema: {
        operationId: 'snoozeAlerts',
        summary:
          'Tells nothing of a route, or of one thing that is wrong, until a time; what is still wrong then is told then',
        tags,
        body: Closed({ ...Scope, until: Moment('Quiet until then.'), ...ReasonBody.properties }),
        response: { 200: Closed({ until: Time }) },
      },
    },
    async ({ body, caller }) => {
      const until = new Date(body.until)
      await hub.alerts.snooze(scopeOf(body), until, actorOf(caller, body))
      return { until }
    },
  )

  app.post(
    `${API}/alerts/wake`,
    {
      config: { access: 'alerts:operate' },
      schema: {
        operationId: 'wakeAlerts',
        summary: 'Ends a snooze',
        tags,
        body: Closed({ ...Scope, ...ReasonBody.properties }),
        response: { 200: Closed({ awake: Type.Boolean() }) },
      },
    },
    async ({ body, caller }) => {
      await hub.alerts.wake(scopeOf(body), actorOf(caller, body))
      return { awake: true }
    },
  )
}

function scopeOf({ route, subject }: { route?: string; subject?: string }): AlertScopeRequest {
  if (route !== undefined && subject === undefined) return { route }
  if (subject !== undefined && route === undefined) return { subject }
  throw new CausewayError('CSW-8003', { what: 'Either "route" or "subject" says what is meant.' })
}
