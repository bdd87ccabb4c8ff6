import type { FastifyInstance } from 'fastify'
import { type BaseOptions, buildBase } from './base.ts'
import { probeRoutes } from './routes/health.ts'
import { type MetricsSource, metricsRoute } from './routes/metrics.ts'
import type { HubServices } from './services.ts'

export type MonitoringOptions = BaseOptions & { metrics: MetricsSource; isDraining: () => boolean }

/** The server of a process that only works: `/livez`, `/readyz` and `/metrics`, which wants a token as it does elsewhere. Does not listen. */
export async function buildMonitoring(
  hub: Pick<HubServices, 'readiness'>,
  options: MonitoringOptions,
): Promise<FastifyInstance> {
  const { app } = await buildBase(options)
  probeRoutes(app, hub, options.isDraining)
  metricsRoute(app, options.metrics)
  return app as unknown as FastifyInstance
}
