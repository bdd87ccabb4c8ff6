/** OpenLDAP people → Tryton parties, employees and contact mechanisms. */
import { Attribute, Change, Client } from 'ldapts'
import { peopleCount } from '../boot/openldap-seed.ts'
import { TrytonRpc } from '../boot/tryton-rpc.ts'
import type { HubProcess } from '../hub-process.ts'
import type { Report } from '../report.ts'
import { runAll } from '../writes.ts'

type Env = Record<string, string>
type Person = { dn: string; number: string; name: string; mails: string[]; manager: string | null }
type Party = { id: number; code: string; name: string; active: unknown }
const both = [true, false]

export async function people(hub: HubProcess, env: Env, report: Report): Promise<void> {
  const ldap = new Client({ url: env.LDAP_URL! })
  await ldap.bind(env.LDAP_ADMIN_DN!, env.LDAP_ADMIN_PASSWORD!)
  const tryton = new TrytonRpc(`${env.TRYTON_URL}/${env.TRYTON_DATABASE}/`)
  await tryton.login(env.TRYTON_USER!, env.TRYTON_PASSWORD!)
  tryton.context = { language: 'en', company: 1 }
  try {
    await report.part('LDAP people → Tryton: full', () => full(hub, ldap, tryton, env, report))
    await report.part('LDAP people → Tryton: nothing changed', () => unchanged(hub, report))
    await report.part('LDAP people → Tryton: changes', () => changes(hub, ldap, tryton, env, report))
    await report.part('LDAP people → Tryton: nothing changed after that', () => unchanged(hub, report))
  } finally {
    await ldap.unbind()
  }
}

const syncs = ['people-to-parties', 'people-to-employees', 'people-to-mail-addresses']

async function full(hub: HubProcess, ldap: Client, tryton: TrytonRpc, env: Env, report: Report): Promise<void> {
  const writes = await runAll(hub, syncs, report, { full: true })
  const people = await present(ldap, env)
  const mails = people.reduce((sum, person) => sum + person.mails.length, 0)
  report.equal('the directory has its people', people.length, peopleCount)
  report.equal('every record was written once', Object.values(writes), [peopleCount, peopleCount, mails])
  await compare(people, tryton, report)
}

async function unchanged(hub: HubProcess, report: Report): Promise<void> {
  const writes = await runAll(hub, syncs, report)
  report.equal('nothing is written', Object.values(writes), [0, 0, 0])
}

async function changes(hub: HubProcess, ldap: Client, tryton: TrytonRpc, env: Env, report: Report): Promise<void> {
  const at = (uid: string) => `uid=${uid},ou=people,${env.LDAP_BASE}`
  const set = (dn: string, operation: 'replace' | 'add', type: string, values: string[]) =>
    ldap.modify(dn, new Change({ operation, modification: new Attribute({ type, values }) }))
  await set(at('p2005'), 'replace', 'sn', ['Łukasiewicz-Ødegård'])
  await set(at('p2006'), 'add', 'mail', ['neu.p2006@rheinwerk.example'])
  await ldap.add(at('p9001'), {
    ...{ objectClass: 'inetOrgPerson', uid: 'p9001', cn: 'Zoë Neu', givenName: 'Zoë', sn: 'Neu' },
    ...{ mail: 'p9001@rheinwerk.example', employeeNumber: '709001', employeeType: 'internal', manager: at('p2001') },
  })
  await set(at('p2010'), 'replace', 'employeeType', ['former'])
  await ldap.modifyDN(at('p2010'), `uid=p2010,ou=former,${env.LDAP_BASE}`)
  await ldap.del(at('p2020'))
  const writes = await runAll(hub, syncs, report)
  // One renamed, one new, one who left and one deleted: four parties. Only the new one becomes an employee.
  report.equal('parties written', writes['people-to-parties'], 4)
  report.equal('employees written', writes['people-to-employees'], 1)
  // One address of the new person, one more of another; those of two who are gone (p2010 has two) are deleted.
  report.equal('mail addresses written', writes['people-to-mail-addresses'], 2 + 2 + 1)
  await compare(await present(ldap, env), tryton, report)
  const gone = await tryton.read<Party>(
    'party.party',
    [
      ['code', 'in', ['E700010', 'E700020']],
      ['active', '=', false],
    ],
    ['code'],
  )
  report.equal('who left or was deleted is archived', gone.map(({ code }) => code).sort(), ['E700010', 'E700020'])
}

/** Everybody who should be in the ERP, as the directory itself tells it. */
async function present(ldap: Client, env: Env): Promise<Person[]> {
  const { searchEntries } = await ldap.search(`ou=people,${env.LDAP_BASE}`, {
    filter: '(&(objectClass=inetOrgPerson)(!(employeeType=former)))',
    paged: { pageSize: 200 },
  })
  const first = (value: unknown): string | null =>
    (Array.isArray(value) ? (value[0] ?? null) : String(value)) as string | null
  return searchEntries.map((entry) => ({
    dn: entry.dn,
    number: first(entry.employeeNumber) ?? '',
    name: `${first(entry.givenName)} ${first(entry.sn)}`,
    mails: [entry.mail ?? []].flat().map(String).sort(),
    manager: entry.manager === undefined ? null : first(entry.manager),
  }))
}

/** Compares every person with what Tryton's own API shows. */
async function compare(people: Person[], tryton: TrytonRpc, report: Report): Promise<void> {
  const byNumber = <T>(pairs: [string, T][]) => Object.fromEntries(pairs.sort(([a], [b]) => (a < b ? -1 : 1)))
  const codeOf = new Map(people.map((person) => [person.dn, `E${person.number}`]))
  const parties = await tryton.read<Party>(
    'party.party',
    [
      ['code', 'like', 'E7%'],
      ['active', '=', true],
    ],
    ['code', 'name'],
  )
  report.equal(
    `${people.length} parties with the right names`,
    byNumber(parties.map(({ code, name }) => [code, name])),
    byNumber(people.map((person) => [`E${person.number}`, person.name])),
  )
  const ids = parties.map(({ id }) => id)
  const nameOf = new Map(parties.map(({ id, code }) => [id, code]))
  const employees = await tryton.read<{ id: number; party: number; supervisor: number | null }>(
    'company.employee',
    [['party', 'in', ids]],
    ['party', 'supervisor'],
  )
  const partyOf = new Map(employees.map(({ id, party }) => [id, nameOf.get(party) ?? null]))
  report.equal(
    `${people.length} employees under the right supervisors`,
    byNumber(
      employees.map(({ party, supervisor }) => [
        nameOf.get(party)!,
        supervisor === null ? null : partyOf.get(supervisor),
      ]),
    ),
    byNumber(
      people.map((person) => [`E${person.number}`, person.manager === null ? null : codeOf.get(person.manager)]),
    ),
  )
  const addresses = await tryton.read<{ party: number; value: string }>(
    'party.contact_mechanism',
    [
      ['party.code', 'like', 'E7%'],
      ['party.active', 'in', both],
      ['type', '=', 'email'],
    ],
    ['party', 'value'],
  )
  report.equal(
    'every mail address at its person, and no other',
    addresses.map(({ party, value }) => `${nameOf.get(party)} ${value}`).sort(),
    people.flatMap((person) => person.mails.map((mail) => `E${person.number} ${mail}`)).sort(),
  )
}
