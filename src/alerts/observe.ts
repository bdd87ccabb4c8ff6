import type { AlertKind, AlertRoute } from '../config/index.ts'
import { digest } from '../core/index.ts'
import {
  addAlertMessages,
  dropAlertSubjects,
  type NewAlertMessage,
  readAlertSubjects,
  routesTold,
  type Store,
  saveAlertSubjects,
  withTransaction,
} from '../store/index.ts'
import { wants } from './routing.ts'
import { type Observed, turnsOf } from './turns.ts'

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
    for (const { change, round, subject } of turns) {
      const told = change === 'recovered' ? new Set(await routesTold(client, subject.key, round)) : undefined
      for (const route of routes) {
        if (told ? !told.has(route.name) : !wants(route, subject)) continue
        messages.push({
          id: `msg_${digest(JSON.stringify([route.name, subject.key, round, change]))}`,
          route: route.name,
          subjectKey: subject.key,
          round,
          change,
          content: JSON.stringify(subject),
        })
      }
    }
    await saveAlertSubjects(client, save)
    await dropAlertSubjects(client, drop)
    await addAlertMessages(client, messages)
    return messages.length
  })
}
