/**
 * Source and target of the bench, in a process of their own. Pages are made before the clock starts; the target parses what it
 * gets, keeps a count and a checksum, and answers per item. `--latency` is added to every answer of both.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { crc32 } from 'node:zlib'
import { contact } from './records.ts'

const PAGE = 100
const [count, latency] = process.argv.slice(2).map(Number) as [number, number]

const pages: Buffer[] = []
for (let at = 0; at < count; at += PAGE) {
  const data = Array.from({ length: Math.min(PAGE, count - at) }, (_, i) => contact(at + i))
  const next = at + PAGE < count ? String(at + PAGE) : null
  pages.push(Buffer.from(JSON.stringify({ data, paging: { next } })))
}

let written = new Set<string>()
let checksum = 0
let calls = 0

const server = createServer((request, response) => {
  const answer = (body: string | Buffer): void => {
    const send = (): void => void response.writeHead(200, { 'content-type': 'application/json' }).end(body)
    if (latency) setTimeout(send, latency)
    else send()
  }
  const url = new URL(request.url!, 'http://bench')
  if (url.pathname === '/contacts') answer(pages[Number(url.searchParams.get('after') ?? 0) / PAGE]!)
  else if (url.pathname === '/customers/batch') void accept(request, answer)
  else if (url.pathname === '/result') resultOf(response)
  else response.writeHead(404).end()
})

async function accept(request: IncomingMessage, answer: (body: string) => void): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const { items } = JSON.parse(Buffer.concat(chunks).toString()) as { items: { external_id: string }[] }
  calls++
  const results = items.map((item) => {
    written.add(item.external_id)
    checksum = (checksum + crc32(JSON.stringify(sorted(item)))) >>> 0
    return { id: `t${item.external_id}`, external_id: item.external_id }
  })
  answer(JSON.stringify({ results }))
}

/** Key order is not part of a record's value. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  )
}

function resultOf(response: ServerResponse): void {
  response.end(JSON.stringify({ written: written.size, checksum, calls }))
  written = new Set()
  checksum = 0
  calls = 0
}

server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => process.send!({ port: (server.address() as { port: number }).port }))
