import type { AlertKind, AlertRoute } from '../config/index.ts'
import { digest } from '../core/index.ts'
import {
  type AlertSubjectRow,
  addAlertMessages,
  dropAlertSubjects,
  type NewAlertMessage,
  readAlertSubjects,
  routesAddressed,
  routesTold,
  type Store,
  saveAlertSubjects,
  withTransaction,
} from '../store/index.ts'
import type { Subject } from './contract.ts'
import { wants } from './routing.ts'
import { type Observed, type Turned, turnsOf } from './turns.ts'

type Session = Parameters<typeof addAlertMessages>[0]

/** Notes what is wrong now. What there is to tell of it commits with that, or neither does. Gives how many messages were made. */
export async function noteObserved(
  pool: Store['pool'],
  routes: readonly AlertRoute[],
  look: { observed: readonly Observed[]; looked: ReadonlySet<AlertKind>; now: Date },
): Promise<number> {
  return withTransaction(pool, async (client) => {
    const keys = look.observed.map(({ key }) => key)
    const known = await readAlertSubjects(client, keys)
    const { save, drop, turns } = turnsOf(known, look.observed, look.looked, look.now)
    const messages: NewAlertMessage[] = []
    for (const turn of turns) {
      const told = turn.change === 'recovered' && new Set(await routesTold(client, turn.subject.key, turn.round))
      for (const route of routes)
        if (told ? told.has(route.name) : wants(route, turn.subject)) messages.push(messageFor(route, turn))
    }
    await saveAlertSubjects(client, save)
    await dropAlertSubjects(client, drop)
    await addAlertMessages(client, messages)
    messages.push(...(await tellLater(client, routes, save)))
    return messages.length
  })
}

/** What is open already is told to routes that want it only now: a sync of theirs has joined it, or the route is new. */
async function tellLater(
  client: Session,
  routes: readonly AlertRoute[],
  rows: readonly AlertSubjectRow[],
): Promise<NewAlertMessage[]> {
  const open = rows.filter(({ state }) => state === 'open')
  if (!open.length) return []
  const keys = open.map(({ key }) => key)
  const addressed = await routesAddressed(client, keys)
  const messages = open.flatMap(({ key, round, firstSeenAt, content }) => {
    const subject = JSON.parse(content) as Subject
    return routes
      .filter((route) => wants(route, subject) && !addressed.get(key)?.includes(route.name))
      .map((route) => messageFor(route, { change: 'opened', round, firstSeenAt, subject }))
  })
  await addAlertMessages(client, messages)
  return messages
}

/** The id says when it began, for rounds count from one again once a subject was forgotten, and receivers remember ids. */
const messageFor = ({ name }: AlertRoute, { change, round, firstSeenAt, subject }: Turned): NewAlertMessage => ({
  id: `msg_${digest(JSON.stringify([name, subject.key, round, change, firstSeenAt]))}`,
  route: name,
  subjectKey: subject.key,
  round,
  change,
  content: JSON.stringify(subject),
})
