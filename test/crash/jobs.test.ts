/**
 * A whole hub, killed while a target works in its own time: a job of Salesforce's Bulk API 2.0, a session of KSeF. Afterwards every
 * record is there once, written once, and what had been handed over was learned rather than sent again.
 */
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { loadConnectors } from '../../src/connector/index.ts'
import { type Item, readDescription, Simulator } from '../../src/simulator/index.ts'
import { HubProcess, hubFolder, TOKEN, until } from '../e2e/hub-process.ts'
import { Peer } from '../e2e/peer.ts'

const CONNECTORS = join(import.meta.dirname, '../../connectors')
type Seen = { method: string; path: string }

async function installation(connector: string): Promise<Simulator> {
  const simulator = new Simulator(readDescription(join(CONNECTORS, connector, 'samples/api.yaml')))
  await simulator.start()
  onTestFinished(() => simulator.stop())
  return simulator
}

/** A hub that carries the contacts of a peer into the installation. */
async function carrying(connector: string, target: Simulator, peer: Peer, mapping: string, settings: Item = {}) {
  const all: Item = { ...(await target.settings()), ...settings }
  const secret = loadConnectors([CONNECTORS], new Set([connector])).get(connector).secrets
  const env = Object.fromEntries(secret.map((name) => [`TEST_${name.toUpperCase()}`, String(all[name])]))
  const connection = {
    connector,
    settings: Object.fromEntries(Object.entries(all).filter(([name]) => !secret.includes(name))),
    secrets: Object.fromEntries(secret.map((name) => [name, `env:TEST_${name.toUpperCase()}`])),
    allow: ['127.0.0.1'],
  }
  const source = {
    connector: 'peer',
    settings: { url: peer.url },
    secrets: { token: 'env:PEER_TOKEN' },
    allow: ['127.0.0.1'],
  }
  const dir = await hubFolder(peer.url, {
    hub: JSON.stringify({ connections: { peer: source, target: connection } }),
    mappings: {
      'carried.yaml': `from: peer:contacts\nto: target:${mapping}retry: { attempts: 6, base: 1s, cap: 5s }\nschedule: manual\n`,
    },
  })
  return () => HubProcess.start(dir, { ...env, PEER_TOKEN: TOKEN })
}

/** Kills the hub when a request comes in, which is answered nevertheless: nobody hears it. */
async function killAt(target: Simulator, hub: HubProcess, when: (seen: Seen) => boolean): Promise<void> {
  let killed = false
  target.faults.add({
    kind: 'lost',
    when: (seen) => {
      if (killed || !when(seen)) return false
      killed = true
      hub.child.kill('SIGKILL')
      return true
    },
  })
  await hub.api('POST', '/syncs/carried/run', {})
  await until(() => hub.child.signalCode, Boolean, 150_000)
}

/** Runs until everything is delivered: what a dead hub left is settled first. */
async function runToTheEnd(hub: HubProcess): Promise<void> {
  const { requestId } = await hub.api<{ requestId: string }>('POST', '/syncs/carried/run', {})
  type Request = { state: string; outcome: string | null; error: unknown }
  const asked = await until(
    () => hub.api<Request>('GET', `/syncs/carried/requests/${requestId}`),
    ({ state }) => state === 'finished',
    240_000,
  )
  if (asked.outcome !== 'success') await runToTheEnd(hub)
}

/** What it is called, and what makes the question whether a request is the one: anew for each try. */
type Step = [string, () => (seen: Seen) => boolean]
const CONTACTS = 40
const JOB: Step[] = [
  [
    'opened',
    () =>
      ({ method, path }) =>
        method === 'POST' && path.endsWith('/jobs/ingest'),
  ],
  [
    'filled',
    () =>
      ({ path }) =>
        path.endsWith('/batches'),
  ],
  [
    'closed',
    () =>
      ({ method, path }) =>
        method === 'PATCH' && /\/jobs\/ingest\/\w+$/.test(path),
  ],
  [
    'asked',
    () =>
      ({ method, path }) =>
        method === 'GET' && /\/jobs\/ingest\/\w+$/.test(path),
  ],
  [
    'told',
    () =>
      ({ path }) =>
        path.endsWith('/successfulResults'),
  ],
]

test.each(JOB)(
  'killed when a Bulk API 2.0 job was %s: each account is written once',
  async (step, when) => {
    const [target, peer] = [await installation('salesforce'), await Peer.start()]
    const table = target.table('accounts')
    const mapping = 'accounts\nmatch: [External_Id__c]\nmap: { External_Id__c: id, Name: name }\n'
    const start = await carrying('salesforce', target, peer, mapping, { bulk_write_from: 10 })
    peer.fill(CONTACTS)
    const mark = table.mark
    await killAt(target, await start(), when())
    await runToTheEnd(await start())
    const ids = table.present.flatMap(({ record }) =>
      /^c\d+$/.test(String(record.External_Id__c)) ? [record.External_Id__c] : [],
    )
    expect({ ids: new Set(ids).size, there: ids.length, writes: table.mark - mark }).toEqual({
      ...{ ids: CONTACTS, there: CONTACTS, writes: CONTACTS },
    })
    // What was started before the death is learned from its job; what was not may be dealt out anew, in smaller jobs.
    const started = target.served.filter(({ method, path }) => method === 'PATCH' && path.includes('/jobs/ingest/'))
    if (!['opened', 'filled'].includes(step)) expect(started).toHaveLength(1)
  },
  900_000,
)

/** An invoice with what the schema asks for; its number is the id of the contact. */
const INVOICE = `sales_invoices
match: [invoiceNumber]
mode: create-only
on_doubt: resend
map:
  invoiceNumber: id
  faktura: >-
    { "Naglowek": { "DataWytworzeniaFa": "2026-05-04T12:00:00Z", "SystemInfo": "Peer" },
      "Podmiot1": { "DaneIdentyfikacyjne": { "NIP": "5260000014", "Nazwa": "Acme" }, "Adres": { "KodKraju": "PL", "AdresL1": "Prosta 1" } },
      "Podmiot2": { "DaneIdentyfikacyjne": { "BrakID": 1, "Nazwa": name }, "JST": 2, "GV": 2 },
      "Fa": { "KodWaluty": "PLN", "P_1": "2026-05-04", "P_13_1": "100.00", "P_14_1": "23.00", "P_15": "123.00",
        "Adnotacje": { "P_16": 2, "P_17": 2, "P_18": 2, "P_18A": 2, "Zwolnienie": { "P_19N": 1 }, "NoweSrodkiTransportu": { "P_22N": 1 }, "P_23": 2, "PMarzy": { "P_PMarzyN": 1 } },
        "RodzajFaktury": "VAT", "FaWiersz": [{ "NrWierszaFa": 1, "P_7": "Chair", "P_8B": 1, "P_9A": "100.00", "P_11": "100.00", "P_12": "23" }] } }
`

const third = () => {
  let sent = 0
  return ({ method, path }: Seen): boolean => method === 'POST' && path.endsWith('/invoices') && ++sent === 3
}
const SESSION: Step[] = [
  [
    'opened',
    () =>
      ({ method, path }) =>
        method === 'POST' && path.endsWith('/sessions/online'),
  ],
  ['half full', third],
  [
    'closed',
    () =>
      ({ path }) =>
        path.endsWith('/close'),
  ],
  [
    'asked',
    () =>
      ({ method, path }) =>
        method === 'GET' && /\/sessions\/\w+$/.test(path),
  ],
  [
    'told',
    () =>
      ({ method, path }) =>
        method === 'GET' && /\/sessions\/\w+\/invoices$/.test(path),
  ],
]

test.each(SESSION)(
  'killed when a session of KSeF was %s: each invoice is in the register once',
  async (_, when) => {
    const [target, peer] = [await installation('ksef'), await Peer.start()]
    const start = await carrying('ksef', target, peer, INVOICE)
    const held = target.table('invoices').present.length
    peer.fill(4)
    await killAt(target, await start(), when())
    await runToTheEnd(await start())
    const { present } = target.table('invoices')
    const numbers = present.map(({ record }) => String(record.invoiceNumber)).filter((number) => /^c\d+$/.test(number))
    expect({ numbers: numbers.sort(), more: present.length - held }).toEqual({
      numbers: ['c0', 'c1', 'c2', 'c3'],
      more: 4,
    })
  },
  900_000,
)
