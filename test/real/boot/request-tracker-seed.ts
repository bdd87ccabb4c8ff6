import type { Json, JsonObject } from '../../../src/core/index.ts'
import { familyNames, givenNames, pick, seededRandom } from './random.ts'

export const queues = ['Kundendienst', 'Reklamationen', 'Rechnungen'] as const
const seededCustomers = 30
export const seededTickets = 1_000

/** A plain REST2 client for changing tickets and for checking results through RT's own API. */
export class RtRest {
  private readonly base: string
  private readonly authorization: string

  constructor(base: string, user: string, password: string) {
    this.base = base
    this.authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  }

  async call<T = Json>(method: string, path: string, body?: Json): Promise<T> {
    const response = await fetch(`${this.base}${path}`, {
      method,
      headers: { Authorization: this.authorization, 'Content-Type': 'application/json' },
      signal: AbortSignal.timeout(120_000),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: HTTP ${response.status} ${text.slice(0, 300)}`)
    return (text ? JSON.parse(text) : null) as T
  }
}

/**
 * What RT's REST interface cannot make (rights, custom fields), in the form of `rt-setup-database --action insert`: a
 * file of Perl lists.
 */
export function initialData(agentPassword: string): string {
  const fields = [
    { Name: 'Auftragsnummer', Type: 'FreeformSingle' },
    { Name: 'Artikel', Type: 'FreeformMultiple' },
    { Name: 'Dringlichkeit', Type: 'SelectSingle', Values: ['tief', 'normal', 'hoch'].map((Name) => ({ Name })) },
  ]
  const agents = [1, 2, 3].map((n) => ({
    ...{ Name: `agent${n}`, RealName: `Agentin Nº ${n}`, EmailAddress: `agent${n}@helpdesk.example` },
    ...{ Password: agentPassword, Privileged: 1 },
  }))
  return [
    'use utf8;',
    perlList(
      'Queues',
      queues.map((Name) => ({ Name, Description: `Anliegen: ${Name}` })),
    ),
    perlList(
      'CustomFields',
      fields.map((field) => ({ ...field, LookupType: 'RT::Queue-RT::Ticket', ApplyTo: [...queues] })),
    ),
    perlList('Users', agents),
    // Without it nobody but root may own a ticket.
    perlList('ACL', [{ GroupDomain: 'SystemInternal', GroupType: 'Privileged', Right: 'OwnTicket' }]),
    '1;',
  ].join('\n')
}

const perlList = (name: string, rows: Json[]): string => `@${name} = (${rows.map(perl).join(',\n')});`

/** A JSON value as Perl literal: single-quoted strings interpolate nothing. */
function perl(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(perl).join(', ')}]`
  if (value !== null && typeof value === 'object')
    return `{${Object.entries(value as JsonObject)
      .map(([key, item]) => `${perl(key)} => ${perl(item)}`)
      .join(', ')}}`
  return `'${String(value).replaceAll(/[\\']/g, (mark) => `\\${mark}`)}'`
}

/** Customers and tickets in the words of RT's classes; the same on every run. */
export function seededData(): { users: JsonObject[]; tickets: JsonObject[] } {
  const random = seededRandom(53)
  const users = Array.from({ length: seededCustomers }, (_, i) => ({
    ...{ Name: addressOf(i), EmailAddress: addressOf(i), Organization: `ALT-${i}`, Privileged: 0 },
    RealName: `${pick(random, givenNames)} ${pick(random, familyNames)}`,
  }))
  const subjects = ['Lieferung verspätet', 'Mauvaise facture', 'Fräser stumpf', 'Passwort vergessen', 'Reso merce']
  const tickets = Array.from({ length: seededTickets }, (_, i) => ({
    Queue: queues[i % queues.length] as string,
    Subject: `${pick(random, subjects)} (${i})`,
    Requestor: addressOf(i % seededCustomers),
    Content: `Guten Tag\n\nAnliegen ${i}: «Größe» prüfen, 5 €, 日本\n`,
    CustomFields: {
      Auftragsnummer: `AB-${9000 + i}`,
      Artikel: [`ART-${String(i % 80).padStart(4, '0')}`, ...(i % 2 ? ['ART-0079'] : [])],
      Dringlichkeit: pick(random, ['tief', 'normal', 'hoch']),
    },
    ...(i % 6 ? { Status: 'new' } : { Status: i % 12 ? 'open' : 'resolved', Owner: 'agent1' }),
  }))
  return { users, tickets }
}

const addressOf = (i: number): string => `bestand${i}@alt${i}.example`
