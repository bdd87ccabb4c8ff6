/** What a good engineer writes in an hour: undici with keep-alive, the next page fetched while this one is mapped and sent. */
import { Agent, request } from 'undici'
import { type Contact, mapByHand } from './records.ts'
import { report } from './report.ts'

const base = process.argv[2]!
const dispatcher = new Agent({ connections: 8, pipelining: 1 })

type Page = { data: Contact[]; paging: { next: string | null } }

async function page(after: string | null): Promise<Page> {
  const { body } = await request(`${base}/contacts?limit=100${after ? `&after=${after}` : ''}`, { dispatcher })
  return (await body.json()) as Page
}

async function send(items: Contact[]): Promise<void> {
  const { body } = await request(`${base}/customers/batch`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ items }),
    dispatcher,
  })
  await body.json()
}

await report(async () => {
  const sending = new Set<Promise<void>>()
  let next: Promise<Page> | null = page(null)
  while (next) {
    const current: Page = await next
    next = current.paging.next === null ? null : page(current.paging.next)
    const call: Promise<void> = send(current.data.map(mapByHand)).finally(() => sending.delete(call))
    sending.add(call)
    if (sending.size >= 4) await Promise.race(sending)
  }
  await Promise.all(sending)
})
await dispatcher.close()
