import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

type Value = { stringValue?: string; intValue?: number; doubleValue?: number }
export type CollectedSpan = {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: { key: string; value: Value }[]
  links: { traceId: string }[]
  status: { code?: number }
  /** Of the process that sent it. */
  instance: string
}

/** A collector of traces that takes OTLP over HTTP, as JSON. */
export class Collector {
  url = ''
  readonly spans: CollectedSpan[] = []
  /** Everything that was sent, as it came. */
  raw = ''
  readonly headers: (string | undefined)[] = []

  static async start(): Promise<Collector> {
    const collector = new Collector()
    const server = createServer(async (request, response) => {
      const body = await text(request)
      const isTraces = request.method === 'POST' && request.url === '/v1/traces'
      if (isTraces) collector.#take(body, request.headers['x-api-key'] as string | undefined)
      response.writeHead(isTraces ? 200 : 404, { 'content-type': 'application/json' }).end('{}')
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    collector.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    onTestFinished(async () => {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    })
    return collector
  }

  #take(body: string, key: string | undefined): void {
    this.raw += body
    this.headers.push(key)
    type Attributes = { attributes: { key: string; value: Value }[] }
    const { resourceSpans } = JSON.parse(body) as {
      resourceSpans: { resource: Attributes; scopeSpans: { spans: CollectedSpan[] }[] }[]
    }
    for (const { resource, scopeSpans } of resourceSpans) {
      const instance = resource.attributes.find(({ key }) => key === 'service.instance.id')!.value.stringValue!
      for (const span of scopeSpans.flatMap(({ spans }) => spans)) this.spans.push({ ...span, instance })
    }
  }

  of(traceId: string): CollectedSpan[] {
    const spans = this.spans.filter((span) => span.traceId === traceId)
    return spans.sort((a, b) => (BigInt(a.startTimeUnixNano) < BigInt(b.startTimeUnixNano) ? -1 : 1))
  }
}

export const attributesOf = ({ attributes }: CollectedSpan): Record<string, unknown> =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue ?? value.doubleValue]),
  )
