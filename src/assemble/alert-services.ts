import { CausewayError } from '../core/index.ts'
import type { Actor, AlertScopeRequest, AlertServices } from '../http/index.ts'
import { type AlertScope, snoozeAlerts, wakeAlerts } from '../store/index.ts'
import { isOpenAlert } from '../store/views/index.ts'
import { type AlertParts, alertRouteNamed, testAlertRoute } from './alerts.ts'
import type { Recorded } from './recorded.ts'

type Parts = Pick<AlertParts, 'pool' | 'files' | 'channel' | 'clock'> & {
  audit(actor: Actor, action: string, subject: string, detail?: Record<string, unknown>): Promise<void>
  recorded: Recorded
}

/** What people do to alerts; all of it is in the audit. */
export function alertServices(parts: Parts): AlertServices {
  const { pool, files, clock, audit, recorded } = parts
  const scopeOf = async (asked: AlertScopeRequest): Promise<AlertScope> => {
    if ('route' in asked) return `route:${alertRouteNamed(files(), asked.route).name}`
    if (await isOpenAlert(pool, asked.subject)) return `subject:${asked.subject}`
    throw new CausewayError('CSW-1007', {
      what: `Nothing with the key "${asked.subject}" is wrong now.`,
      fix: 'Take a key that `causeway alerts list` prints.',
    })
  }
  return {
    routes: () =>
      files().config.alerts.map(({ name, target, tell, severity, syncs, connections }) => ({
        name,
        kind: target.kind,
        tell: [...tell],
        severity,
        syncs: [...syncs],
        connections: [...connections],
      })),
    async test(route, actor) {
      await testAlertRoute(parts, route, actor.name)
      await audit(actor, 'alert.test', `alert_route:${route}`)
    },
    async snooze(asked, until, actor) {
      if (until <= clock.now()) throw new CausewayError('CSW-8003', { what: '"until" has passed already.' })
      const scope = await scopeOf(asked)
      await recorded(actor, async (session, note) => {
        await snoozeAlerts(session, scope, { until, actor: actor.name, reason: actor.reason })
        note('alert.snooze', `alert_${scope}`, { until: until.toISOString() })
      })
    },
    async wake(asked, actor) {
      const scope: AlertScope = 'route' in asked ? `route:${asked.route}` : `subject:${asked.subject}`
      await recorded(actor, async (session, note) => {
        if (!(await wakeAlerts(session, scope))) throw new CausewayError('CSW-8008', { what: 'It is not snoozed.' })
        note('alert.wake', `alert_${scope}`)
      })
    },
  }
}
