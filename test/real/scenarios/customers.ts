/** Tryton parties that are customers → Request Tracker users. */
import type { JsonObject } from '../../../src/core/index.ts'
import { RtRest } from '../boot/request-tracker-seed.ts'
import { TrytonRpc } from '../boot/tryton-rpc.ts'
import { customerCount } from '../boot/tryton-seed.ts'
import type { HubProcess } from '../hub-process.ts'
import type { Report } from '../report.ts'
import { runAll } from '../writes.ts'

type Env = Record<string, string>
type Shown = { name: string; mail: string; phone: string }
type Customers = Record<string, Shown>

const syncs = ['customers-to-helpdesk'] as const

export async function customers(hub: HubProcess, env: Env, report: Report): Promise<void> {
  const tryton = new TrytonRpc(`${env.TRYTON_URL}/${env.TRYTON_DATABASE}/`)
  await tryton.login(env.TRYTON_USER!, env.TRYTON_PASSWORD!)
  tryton.context = { language: 'en', company: 1 }
  const rt = new RtRest(`${env.RT_URL}/REST/2.0`, env.RT_ROOT!, env.RT_ROOT_PASSWORD!)
  const unchanged = async (options: { full?: boolean } = {}) => {
    const writes = await runAll(hub, syncs, report, options)
    report.equal('nothing is written', Object.values(writes), [0])
  }
  await report.part('Tryton customers → Request Tracker: full', async () => {
    const writes = await runAll(hub, syncs, report, { full: true })
    report.equal('every customer was written once', Object.values(writes), [customerCount])
    await compare(tryton, rt, report)
  })
  await report.part('Tryton customers → Request Tracker: nothing changed', () => unchanged())
  await report.part('Tryton customers → Request Tracker: nothing changed, in full', () => unchanged({ full: true }))
  await report.part('Tryton customers → Request Tracker: changes', async () => {
    await change(tryton)
    const writes = await runAll(hub, syncs, report)
    report.equal('five users are written', Object.values(writes), [5])
    const archived = await rt.call<JsonObject>('GET', '/user/K10004')
    report.equal('an archived customer is disabled, not gone', String(archived.Disabled), '1')
  })
  await report.part('Tryton customers → Request Tracker: deletions', async () => {
    const codes = ['K10020', 'K10021', 'K10999']
    const gone = await tryton.read<{ id: number }>('party.party', [['code', 'in', codes]], ['code'])
    await tryton.call(
      'party.party',
      'delete',
      gone.map(({ id }) => id),
    )
    const writes = await runAll(hub, syncs, report, { full: true })
    report.equal('three users are written', Object.values(writes), [3])
    for (const code of codes) {
      const user = await rt.call<JsonObject>('GET', `/user/${code}`)
      report.equal(`${code} is disabled, not gone`, String(user.Disabled), '1')
    }
    await compare(tryton, rt, report)
  })
  await report.part('Tryton customers → Request Tracker: nothing changed after that', () => unchanged())
}

/** Renamed, another mail address, a first telephone number, a new customer, an archived one; and a supplier, who does not count. */
async function change(tryton: TrytonRpc): Promise<void> {
  const idOf = async (code: string) =>
    (await tryton.read<{ id: number }>('party.party', [['code', '=', code]], ['code']))[0]!.id
  await tryton.call('party.party', 'write', [await idOf('K10001')], { name: "Bäckerei «Zum Ähri» & Söhne's" })
  const [mail] = await tryton.read<{ id: number }>(
    'party.contact_mechanism',
    [
      ['party.code', '=', 'K10002'],
      ['type', '=', 'email'],
    ],
    ['value'],
  )
  await tryton.call('party.contact_mechanism', 'write', [mail!.id], { value: 'neue.adresse@firma2.example' })
  await tryton.call('party.contact_mechanism', 'create', [
    { party: await idOf('K10003'), type: 'phone', value: '+41 44 555 9999' },
  ])
  const [role] = await tryton.read<{ id: number }>('party.category', [['name', '=', 'Customer']], ['name'])
  await tryton.call('party.party', 'create', [
    {
      name: 'Neukundin Łódź',
      code: 'K19001',
      categories: [['add', [role!.id]]],
      contact_mechanisms: [['create', [{ type: 'email', value: 'neu@kundin.example' }]]],
    },
  ])
  await tryton.call('party.party', 'write', [await idOf('K10004')], { active: false })
  await tryton.call('party.party', 'write', [await idOf(`L${10_000 + customerCount}`)], {
    name: 'Lieferant, umbenannt',
  })
}

/** Compares every customer in the ERP with the user that Request Tracker's own API shows. */
async function compare(tryton: TrytonRpc, rt: RtRest, report: Report): Promise<void> {
  const expected = await inErp(tryton)
  const found: Customers = {}
  for (const user of await customersIn(rt)) found[String(user.Name)] = shown(user)
  report.equal(`${Object.keys(expected).length} users with the right names, addresses and numbers`, found, expected)
}

/** Users that are not disabled and have the number of a customer, a hundred at a time as RT gives them. */
async function customersIn(rt: RtRest): Promise<JsonObject[]> {
  const users: JsonObject[] = []
  const filter = [{ field: 'Name', operator: 'STARTSWITH', value: 'K1' }]
  for (let page = 1, pages = 1; page <= pages; page++) {
    const query = `per_page=100&page=${page}&orderby=id&fields=Name,RealName,EmailAddress,WorkPhone`
    const answer = await rt.call<{ items: JsonObject[]; total: number }>('POST', `/users?${query}`, filter)
    users.push(...answer.items)
    pages = Math.ceil(answer.total / 100)
  }
  return users
}

const shown = (user: JsonObject): Shown => ({
  name: String(user.RealName),
  mail: String(user.EmailAddress),
  phone: String(user.WorkPhone ?? ''),
})

async function inErp(tryton: TrytonRpc): Promise<Customers> {
  const parties = await tryton.read<{ id: number; code: string; name: string }>(
    'party.party',
    [
      ['categories.name', '=', 'Customer'],
      ['active', '=', true],
    ],
    ['code', 'name'],
  )
  const contacts = await tryton.read<{ party: number; type: string; value: string }>(
    'party.contact_mechanism',
    [['party', 'in', parties.map(({ id }) => id)]],
    ['party', 'type', 'value'],
  )
  const contactOf = (id: number, type: string) =>
    contacts.find((contact) => contact.party === id && contact.type === type)?.value ?? ''
  return Object.fromEntries(
    parties.map(({ id, code, name }) => [code, { name, mail: contactOf(id, 'email'), phone: contactOf(id, 'phone') }]),
  )
}
