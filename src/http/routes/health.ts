import { Type } from 'typebox'
import { CausewayError } from '../../core/index.ts'
import type { App, RouteContext } from '../app.ts'
import { API } from '../app.ts'
import { Closed, MaybeText, Time } from '../schemas/basics.ts'
import type { HubServices, ReadinessCheck } from '../services.ts'

const Check = Closed({
  name: Type.String(),
  ok: Type.Boolean(),
  detail: Type.Optional(Type.String()),
  code: Type.Optional(Type.String()),
})
const Readiness = Closed({
  status: Type.Unsafe<'ready' | 'not ready'>({ enum: ['ready', 'not ready'] }),
  checks: Type.Optional(Type.Array(Check)),
})
const Looks = Closed({
  verbose: Type.Optional(Type.Boolean({ description: 'Lists the checks, not only the verdict.' })),
  exclude: Type.Optional(
    Type.Unsafe<string | string[]>({
      type: ['string', 'array'],
      items: { type: 'string' },
      maxLength: 100,
      maxItems: 10,
      description: 'A check that does not count; may be given several times.',
      examples: ['queue'],
    }),
  ),
})

/** Kubernetes style: machines read the status code only. Public, so details name no address and no secret. */
export function probeRoutes(app: App, hub: Pick<HubServices, 'readiness'>, isDraining: () => boolean): void {
  app.get(
    '/livez',
    {
      config: { access: 'public' },
      schema: {
        operationId: 'live',
        summary: 'Whether the process runs; says nothing about its database',
        tags: ['health'],
        querystring: Looks,
        response: { 200: Closed({ status: Type.Literal('ok'), checks: Type.Optional(Type.Array(Check)) }) },
      },
    },
    async (request) => {
      const checks = counted([{ name: 'process', ok: true }], request.query.exclude)
      return { status: 'ok' as const, ...(request.query.verbose ? { checks } : {}) }
    },
  )

  app.get(
    '/readyz',
    {
      config: { access: 'public' },
      schema: {
        operationId: 'ready',
        summary: 'Whether the hub takes traffic now',
        tags: ['health'],
        querystring: Looks,
        response: { 200: Readiness, 503: Readiness },
      },
    },
    async (request, reply) => {
      const draining: ReadinessCheck = { name: 'serving', ok: !isDraining() }
      const all = [draining, ...(await hub.readiness())].map(({ name, ok, code }) => ({
        name,
        ok,
        ...(code ? { code } : {}),
      }))
      const checks = counted(all, request.query.exclude)
      const ok = checks.every((check) => check.ok)
      if (!ok) reply.header('retry-after', 5)
      return reply
        .code(ok ? 200 : 503)
        .send({ status: ok ? 'ready' : 'not ready', ...(request.query.verbose ? { checks } : {}) })
    },
  )
}

/** A misspelt name would count what was meant not to: it is refused, and the probe fails where it was written. */
function counted<C extends { name: string }>(checks: C[], exclude: string | string[] | undefined): C[] {
  const names = new Set([exclude ?? []].flat())
  for (const name of names)
    if (!checks.some((check) => check.name === name))
      throw new CausewayError('CSW-8003', {
        what: `There is no check ${JSON.stringify(name)} to exclude.`,
        fix: `Those of this process are ${checks.map((check) => check.name).join(', ')}.`,
      })
  return checks.filter(({ name }) => !names.has(name))
}

export function systemRoute(app: App, { hub, version, startedAt }: RouteContext): void {
  app.get(
    `${API}/system`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'showSystem',
        summary: 'Version, start time and what works',
        tags: ['health'],
        response: {
          200: Closed({
            version: Type.String(),
            node: Type.String(),
            startedAt: Time,
            checks: Type.Array(Check),
            error: Type.Optional(MaybeText),
          }),
        },
      },
    },
    async () => ({ version, node: process.version, startedAt, checks: await hub.readiness() }),
  )
}
