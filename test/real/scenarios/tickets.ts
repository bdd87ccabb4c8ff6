/** Request Tracker tickets → documents on Apache WebDAV. */
import { readFileSync } from 'node:fs'
import { queues, RtRest, seededTickets } from '../boot/request-tracker-seed.ts'
import type { HubProcess } from '../hub-process.ts'
import type { Report } from '../report.ts'
import { runAll } from '../writes.ts'

type Env = Record<string, string>
type Documents = Record<string, string>
const syncs = ['tickets-to-documents'] as const

export async function tickets(hub: HubProcess, env: Env, report: Report): Promise<void> {
  const rt = new RtRest(`${env.RT_URL}/REST/2.0`, env.RT_ROOT!, env.RT_ROOT_PASSWORD!)
  const unchanged = async (options: { full?: boolean } = {}) => {
    const before = uploads(env)
    const writes = await runAll(hub, syncs, report, options)
    report.equal('nothing is written', Object.values(writes), [0])
    report.equal('the server saw no upload', uploads(env) - before, 0)
  }
  await report.part('Request Tracker tickets → WebDAV: full', async () => {
    const writes = await runAll(hub, syncs, report, { full: true })
    report.equal('every ticket was written once', Object.values(writes), [seededTickets])
    await compare(env, report)
  })
  await report.part('Request Tracker tickets → WebDAV: nothing changed', () => unchanged())
  await report.part('Request Tracker tickets → WebDAV: nothing changed, in full', () => unchanged({ full: true }))
  await report.part('Request Tracker tickets → WebDAV: changes', async () => {
    await change(rt)
    const writes = await runAll(hub, syncs, report)
    // Retitled, moved to another queue, custom field, new, and one that the reply opened.
    report.equal('five documents are written', Object.values(writes), [5])
  })
  await report.part('Request Tracker tickets → WebDAV: deletions', async () => {
    for (const id of [8, 501, 1_000]) await rt.call('DELETE', `/ticket/${id}`)
    const writes = await runAll(hub, syncs, report)
    report.equal('three documents are deleted', Object.values(writes), [3])
    await compare(env, report)
  })
  await report.part('Request Tracker tickets → WebDAV: nothing changed after that', () => unchanged())
}

async function change(rt: RtRest): Promise<void> {
  await rt.call('PUT', '/ticket/5', { Subject: 'Größe «XL» / 50 % & mehr', Status: 'open' })
  await rt.call('PUT', '/ticket/6', { Queue: queues[0] })
  await rt.call('PUT', '/ticket/7', { CustomFields: { Artikel: ['ART-0001', 'ART-0002', 'ART-0003'] } })
  await rt.call('POST', '/ticket', {
    Queue: queues[1],
    Subject: 'Nouveau',
    Requestor: 'jemand@anders.example',
    Content: 'x',
  })
  await rt.call('POST', '/ticket/9/correspond', { Content: 'Antwort', ContentType: 'text/plain' })
}

/** Compares every ticket with the document that the server gives over HTTP. */
async function compare(env: Env, report: Report): Promise<void> {
  const expected = await inHelpdesk(env)
  const found: Documents = {}
  for (const queue of queues)
    for (const path of await members(env, queue)) found[path] = await (await dav(env, 'GET', path)).text()
  const sorted = (documents: Documents) => Object.fromEntries(Object.entries(documents).sort())
  report.equal(
    `${Object.keys(expected).length} documents with the right content, and no other`,
    sorted(found),
    sorted(expected),
  )
}

const FIELDS = ['Queue', 'Subject', 'Status', 'Owner', 'Requestors', 'CF.{Auftragsnummer}', 'CF.{Artikel}'] as const

/** What should be there, as RT's first REST interface tells it: the hub reads the second. Deleted tickets are in no search. */
async function inHelpdesk(env: Env): Promise<Documents> {
  const query = new URLSearchParams({ query: 'id > 0', format: 'l', fields: FIELDS.join(',') })
  const login = new URLSearchParams({ user: env.RT_ROOT!, pass: env.RT_ROOT_PASSWORD! })
  const options = { method: 'POST', body: login, signal: AbortSignal.timeout(600_000) }
  const response = await fetch(`${env.RT_URL}/REST/1.0/search/ticket?${query}`, options)
  const documents: Documents = {}
  for (const block of (await response.text()).split('\n--\n')) {
    const id = /^id: ticket\/(\d+)$/m.exec(block)?.[1]
    if (id === undefined) throw new Error(`no ticket: ${block.slice(0, 300)}`)
    const [queue, subject, status, owner, from, order, products] = FIELDS.map((name) => fieldOf(block, name))
    const lines = [subject, `Status: ${status}`, `Owner: ${owner}`, `From: ${from}`, `Order: ${order}`]
    documents[`${queue}/Ticket ${id}.txt`] =
      `${[...lines, `Products: ${products?.split(',').join(', ')}`].join('\n')}\n`
  }
  return documents
}

const fieldOf = (block: string, name: string): string =>
  block
    .split('\n')
    .find((line) => line.startsWith(`${name}:`))
    ?.slice(name.length + 1)
    .trim() ?? ''

const dav = (env: Env, method: string, path: string, headers: Record<string, string> = {}) =>
  fetch(env.DAV_EMPTY_URL! + path.split('/').map(encodeURIComponent).join('/'), {
    method,
    headers: {
      Authorization: `Basic ${Buffer.from(`${env.DAV_USER}:${env.DAV_PASSWORD}`).toString('base64')}`,
      ...headers,
    },
  })

async function members(env: Env, folder: string): Promise<string[]> {
  const response = await dav(env, 'PROPFIND', `${folder}/`, { Depth: '1' })
  if (response.status === 404) return []
  const hrefs = [...(await response.text()).matchAll(/<D:href>([^<]+)<\/D:href>/g)].map(([, href]) =>
    decodeURIComponent(href!),
  )
  return hrefs.filter((href) => !href.endsWith('/')).map((href) => href.replace('/empty/', ''))
}

/** Writing requests that Apache itself has logged. */
const uploads = (env: Env): number =>
  readFileSync(env.DAV_ACCESS_LOG!, 'utf8')
    .split('\n')
    .filter((line) => /"(PUT|DELETE|MOVE|MKCOL) /.test(line)).length
