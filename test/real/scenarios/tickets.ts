/** Request Tracker tickets → documents on Apache WebDAV. */
import { readFileSync } from 'node:fs'
import type { JsonObject } from '../../../src/core/index.ts'
import { queues, RtRest, seededTickets } from '../boot/request-tracker-seed.ts'
import type { HubProcess } from '../hub-process.ts'
import type { Report } from '../report.ts'
import { runAll } from '../writes.ts'

type Env = Record<string, string>
type Documents = Record<string, string>
const syncs = ['tickets-to-documents'] as const

export async function tickets(hub: HubProcess, env: Env, report: Report): Promise<void> {
  const rt = new RtRest(`${env.RT_URL}/REST/2.0`, env.RT_ROOT!, env.RT_ROOT_PASSWORD!)
  const unchanged = async () => {
    const before = uploads(env)
    const writes = await runAll(hub, syncs, report)
    report.equal('nothing is written', Object.values(writes), [0])
    report.equal('the server saw no upload', uploads(env) - before, 0)
  }
  await report.part('Request Tracker tickets → WebDAV: full', async () => {
    const writes = await runAll(hub, syncs, report, { full: true })
    report.equal('every ticket was written once', Object.values(writes), [seededTickets])
    await compare(rt, env, report)
  })
  await report.part('Request Tracker tickets → WebDAV: nothing changed', unchanged)
  await report.part('Request Tracker tickets → WebDAV: changes', async () => {
    await change(rt)
    const writes = await runAll(hub, syncs, report)
    // Retitled, moved to another queue, custom field, new, deleted, and one that the reply opened.
    report.equal('six documents are written', Object.values(writes), [6])
    await compare(rt, env, report)
  })
  await report.part('Request Tracker tickets → WebDAV: nothing changed after that', unchanged)
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
  await rt.call('DELETE', '/ticket/8')
  await rt.call('POST', '/ticket/9/correspond', { Content: 'Antwort', ContentType: 'text/plain' })
}

/** Compares every ticket with the document that the server gives over HTTP. */
async function compare(rt: RtRest, env: Env, report: Report): Promise<void> {
  const expected = await inHelpdesk(rt)
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

/** What should be there, from the tickets as RT shows them one by one. */
async function inHelpdesk(rt: RtRest): Promise<Documents> {
  const documents: Documents = {}
  for (let id = 1; id <= seededTickets + 1; id++) {
    const ticket = await rt.call<JsonObject>('GET', `/ticket/${id}?fields[Queue]=Name`).catch(() => null)
    if (!ticket || ticket.Status === 'deleted') continue
    const queue = (ticket.Queue as JsonObject).Name ?? (await queueName(rt, String((ticket.Queue as JsonObject).id)))
    const field = (name: string) =>
      (ticket.CustomFields as { name: string; values: string[] }[])
        .find((entry) => entry.name === name)
        ?.values.join(', ') ?? ''
    const from = (ticket.Requestor as JsonObject[]).map((user) => String(user.id)).join(', ')
    documents[`${queue}/Ticket ${id}.txt`] =
      `${[ticket.Subject, `Status: ${ticket.Status}`, `Owner: ${(ticket.Owner as JsonObject).id}`, `From: ${from}`, `Order: ${field('Auftragsnummer')}`, `Products: ${field('Artikel')}`].join('\n')}\n`
  }
  return documents
}

const names = new Map<string, string>()
async function queueName(rt: RtRest, id: string): Promise<string> {
  if (!names.has(id)) names.set(id, String((await rt.call<JsonObject>('GET', `/queue/${id}`)).Name))
  return names.get(id)!
}

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
