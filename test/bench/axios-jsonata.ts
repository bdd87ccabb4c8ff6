/** The same on the cards our users hold already: axios with keep-alive agents, jsonata for the mapping, I/O overlapped. */
import { Agent } from 'node:http'
import axios from 'axios'
import jsonata from 'jsonata'
import { type Contact, MAPPING } from './records.ts'
import { report } from './report.ts'

const client = axios.create({ baseURL: process.argv[2]!, httpAgent: new Agent({ keepAlive: true, maxSockets: 8 }) })
const mapping = jsonata(
  `{${Object.entries(MAPPING)
    .map(([field, expression]) => `"${field}": ${expression}`)
    .join(', ')}}`,
)

type Page = { data: Contact[]; paging: { next: string | null } }
const page = async (after: string | null): Promise<Page> =>
  (await client.get<Page>('/contacts', { params: { limit: 100, ...(after ? { after } : {}) } })).data

await report(async () => {
  const sending = new Set<Promise<void>>()
  let next: Promise<Page> | null = page(null)
  while (next) {
    const current: Page = await next
    next = current.paging.next === null ? null : page(current.paging.next)
    const items: unknown[] = []
    for (const record of current.data) items.push(await mapping.evaluate(record))
    const call: Promise<void> = client.post('/customers/batch', { items }).then(() => void sending.delete(call))
    sending.add(call)
    if (sending.size >= 4) await Promise.race(sending)
  }
  await Promise.all(sending)
})
