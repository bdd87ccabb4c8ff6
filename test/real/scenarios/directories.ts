/** OpenLDAP people → another tree of OpenLDAP: made, changed, renamed and deleted; and groups by the connector itself. */
import { Attribute, Change, Client } from 'ldapts'
import type { HubProcess } from '../hub-process.ts'
import type { Report } from '../report.ts'
import { runAll } from '../writes.ts'
import type { Env } from './pair.ts'

const SYNC = 'people-to-mirror'
const COMPARED = [
  ...['uid', 'cn', 'givenName', 'sn', 'mail', 'telephoneNumber', 'departmentNumber', 'preferredLanguage', 'title'],
]
type Tree = Record<string, Record<string, string[]>>

export async function directories(hub: HubProcess, env: Env, report: Report): Promise<void> {
  const ldap = new Client({ url: env.LDAP_URL! })
  await ldap.bind(env.LDAP_ADMIN_DN!, env.LDAP_ADMIN_PASSWORD!)
  const source = () => treeOf(ldap, env.LDAP_BASE!)
  const target = () => treeOf(ldap, env.LDAP_MIRROR_BASE!)
  /** `expected` null: what other scenarios pulled from the same tree may have been delivered before this one began. */
  const step = (title: string, expected: number | null, options: { full?: boolean } = {}) =>
    report.part(`LDAP → LDAP: ${title}`, async () => {
      const writes = await runAll(hub, [SYNC], report, options)
      if (expected !== null) report.equal('records written', writes[SYNC], expected)
      report.equal('both trees hold the same', valuesOf(await target()), valuesOf(await source()))
    })
  try {
    await step('full', null, { full: true })
    report.equal('a thousand people, give or take who left', Object.keys(await target()).length > 900, true)
    await step('nothing changed', 0)
    await step('nothing changed, in full', 0, { full: true })
    const ids = idsOf(await target())
    await rename(ldap, env)
    await step('one renamed', 1)
    report.equal('nobody was deleted and nobody made: the ids are the same', idsOf(await target()), ids)
    await change(ldap, env)
    await step('changes', 4)
    for (const uid of ['p2120', 'p2121', 'p2122']) await ldap.del(at(env, uid))
    await step('deletions, by the change log', 3)
    await step('nothing changed after that', 0)
  } finally {
    await ldap.unbind()
  }
}

const at = (env: Env, uid: string): string => `uid=${uid},ou=people,${env.LDAP_BASE}`

const rename = (ldap: Client, env: Env): Promise<void> => ldap.modifyDN(at(env, 'p2103'), 'uid=zoë.p2103')

async function change(ldap: Client, env: Env): Promise<void> {
  const set = (dn: string, operation: 'replace' | 'add' | 'delete', type: string, values: string[]) =>
    ldap.modify(dn, new Change({ operation, modification: new Attribute({ type, values }) }))
  await set(at(env, 'p2105'), 'replace', 'sn', ['Łukasiewicz-Ødegård'])
  await set(at(env, 'p2106'), 'add', 'mail', ['neu.p2106@rheinwerk.example'])
  await set(at(env, 'p2107'), 'delete', 'title', [])
  await ldap.add(at(env, 'p9101'), {
    ...{ objectClass: 'inetOrgPerson', uid: 'p9101', cn: 'Noé Neu', givenName: 'Noé', sn: 'Neu' },
    ...{ mail: 'p9101@rheinwerk.example', employeeNumber: '709101', employeeType: 'internal' },
  })
}

/** Everybody who has not left, by number, as the directory itself tells it. */
async function treeOf(ldap: Client, base: string): Promise<Tree> {
  const { searchEntries } = await ldap.search(`ou=people,${base}`, {
    filter: '(&(objectClass=inetOrgPerson)(!(employeeType=former)))',
    attributes: [...COMPARED, 'employeeNumber', 'entryUUID'],
    paged: { pageSize: 200 },
  })
  const listed = (value: unknown): string[] => [value ?? []].flat().map(String).sort()
  return Object.fromEntries(
    searchEntries
      .map((entry) => {
        const values = [...COMPARED, 'entryUUID'].map((name) => [name, listed(entry[name])] as const)
        return [String(entry.employeeNumber), Object.fromEntries(values)] as const
      })
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  )
}

const valuesOf = (tree: Tree): Tree =>
  Object.fromEntries(Object.entries(tree).map(([number, { entryUUID: _id, ...values }]) => [number, values]))

const idsOf = (tree: Tree): Record<string, string[]> =>
  Object.fromEntries(Object.entries(tree).map(([number, { entryUUID = [] }]) => [number, entryUUID]))
