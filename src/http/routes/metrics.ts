import { Type } from 'typebox'
import type { App } from '../app.ts'
import { notFound } from '../problem.ts'

/** What is measured, as Prometheus reads it. */
export type MetricsSource = { contentType: string; text(): Promise<string> }

/** Closed like everything else: Prometheus sends a token with the scope `metrics:read`. */
export function metricsRoute(app: App, metrics: MetricsSource | undefined): void {
  app.get(
    '/metrics',
    {
      config: { access: 'metrics:read', mayAnswer: [404] },
      schema: {
        operationId: 'readMetrics',
        summary: 'Metrics in the text format of Prometheus',
        tags: ['health'],
        response: { 200: Type.Unsafe<string>({ description: 'Text of Prometheus.' }) },
      },
    },
    async (_request, reply) => {
      if (!metrics) throw notFound('This process measures nothing.')
      const text = await metrics.text()
      return reply
        .type(metrics.contentType)
        .serializer((body) => body as string)
        .send(text)
    },
  )
}
