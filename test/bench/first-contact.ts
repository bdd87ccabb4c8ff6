/**
 * Two full systems meet through a whole hub: `--people` records a side (5,000 unless told), 60 % of them the same people written by
 * somebody else at another time (test/identity/people.ts). What is linked without a person is held against what is known to be
 * true; nobody who is there may be made a second time. Ends with 1 where a bar of docs/entities.md is missed.
 *
 *   node test/bench/first-contact.ts [--people 5000] [--seed 1]
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readEntityType } from '../../src/identity/read.ts'
import { twoSystems } from '../identity/people.ts'
import { sharesOf } from '../identity/shares.ts'
import { Judge } from './judge.ts'
import { type PeopleHub, withPeopleHub } from './people-hub.ts'

const { values } = parseArgs({
  options: { people: { type: 'string', default: '5000' }, seed: { type: 'string', default: '1' } },
})
const count = Number(values.people)
const people = twoSystems(count, Number(values.seed))
const rules = readFileSync(join(import.meta.dirname, '../identity/people.yaml'), 'utf8')

const MAPPING = `from: crm:people
to: erp:people
map:
  name: firstName & " " & lastName
  mail: email
schedule: manual
`

const judge = new Judge()
judgePeople()
await withPeopleHub(
  // Both systems are read before anybody writes, as an operator does who wants to see what would happen.
  { 'entities/person.yaml': `${rules}schedule: { every: 5s }\n`, 'mappings/people.yaml': MAPPING },
  (crm, erp) => {
    for (const { id, ...person } of people.crm) crm.put(id, person)
    for (const { number, ...person } of people.erp) erp.put(number, person)
  },
  meet,
)
judge.end()

/** How hard they are to match: easier ones would reach any bar. */
function judgePeople(): void {
  const shares = sharesOf(readEntityType(rules, 'person.yaml').type!, people)
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
  judge.note('pairs with two or more fields that are written differently', percent(shares.differing))
  judge.holds(
    `pairs with two or more fields that differ in more than spelling: ${percent(shares.differingInMeaning)}, at least 30 %`,
    shares.differingInMeaning >= 0.3,
  )
  judge.holds(
    `pairs with neither e-mail nor telephone in common: ${percent(shares.withoutKey)}, at least 20 %`,
    shares.withoutKey >= 0.2,
  )
  judge.holds(`look-alikes: ${percent(shares.lookAlikes)}, at least 5 %`, shares.lookAlikes >= 0.05)
}

async function meet(hub: PeopleHub): Promise<void> {
  const { services, pool } = hub.hub
  const actor = { name: 'bench', reason: null }
  await services.pauseSync('people', actor)
  const began = performance.now()
  const held = async (): Promise<number> =>
    (await pool.query<{ n: number }>('select count(*)::int as n from identity where not pending')).rows[0]!.n
  while ((await held()) < 2 * count) await new Promise((done) => setTimeout(done, 250))
  await hub.atRest()
  judge.note('seconds to read and match', ((performance.now() - began) / 1_000).toFixed(0))
  judge.links(await linksOf(hub), people)
  const asked = await askedAbout(hub)
  const links = await linksOf(hub)
  const lost = [...people.same].filter(([id]) => !links.has(id) && !asked.has(id))
  judge.note('pairs of the same that are asked about', [...people.same.keys()].filter((id) => asked.has(id)).length)
  judge.note('pairs of the same that are neither linked nor asked about', lost.length)
  for (const [id, number] of lost) judge.note(id, JSON.stringify([hub.crm.rows.get(id), hub.erp.rows.get(number)]))

  const plan = await services.planSync('people', { limit: 2 * count, all: false }, new AbortController().signal)
  judge.note('plan', JSON.stringify(plan.actions))
  const firstOther = plan.changes.findIndex(({ matched }) => matched === null)
  const lastLink = plan.changes.findLastIndex(({ matched }) => matched !== null)
  judge.holds('the plan shows the links before anything else', firstOther === -1 || lastLink < firstOther)
  judge.holds('the plan writes nothing', hub.crm.written + hub.erp.written === 0)

  await services.resumeSync('people', actor)
  judge.note('seconds to deliver', (await hub.run('people')).toFixed(0))
  await judgeCreated(hub, links, asked)
  const planned = plan.changes.filter(({ action }) => action === 'create').map(({ record }) => record)
  await judgePlanned(hub, planned)
  const before = hub.erp.written
  await hub.run('people', { full: true })
  judge.holds('what was made comes back and is nobody new: 0 writes', hub.erp.written === before)
}

/** Whoever the ERP knows is not made again: neither the linked nor those that a person is asked about. */
async function judgeCreated(hub: PeopleHub, links: Map<string, string>, asked: Set<string>): Promise<void> {
  const nameOf = new Map(people.crm.map(({ id, firstName, lastName }) => [id, `${firstName} ${lastName}`]))
  const known = await linksOf(hub)
  const created = new Set(hub.erp.writes.created)
  const made = [...known].filter(([, number]) => created.has(number)).map(([id]) => id)
  const twice = made.filter((id) => people.same.has(id))
  judge.note('created', created.size)
  judge.note(
    'created although the other system knows them',
    twice.map((id) => `${id} ${nameOf.get(id)}`).join(', ') || 0,
  )
  judge.holds(
    'nobody is created who is linked or asked about',
    made.every((id) => !links.has(id) && !asked.has(id)),
  )
  judge.holds('0 duplicates are created', twice.length === 0)
}

/**
 * Whoever the plan showed as new is made, but for those whom a person is asked about by now: a record that was made and read before its link
 * was committed looks like a stranger to the matcher, and like somebody else of the same name. The plan lists no more than its limit.
 */
async function judgePlanned(hub: PeopleHub, planned: string[]): Promise<void> {
  const created = new Set(hub.erp.writes.created)
  const links = await linksOf(hub)
  const left = planned.filter((id) => !created.has(links.get(id) ?? ''))
  const { rows } = await hub.hub.pool.query<{ id: string; state: string; code: string | null }>(
    `select record_id as id, state, error::json ->> 'code' as code from delivery where record_id = any($1)`,
    [left],
  )
  for (const { id, state, code } of rows) judge.note('planned as new and not made', `${id} ${state} ${code ?? ''}`)
}

async function linksOf({ hub }: PeopleHub): Promise<Map<string, string>> {
  const { rows } = await hub.pool.query<{ crm: string; erp: string }>(
    `select c.record_id as crm, e.record_id as erp from link c join link e on e.entity_id = c.entity_id
       join stream cs on cs.id = c.stream_id join connection cc on cc.id = cs.connection_id and cc.name = 'crm'
       join stream es on es.id = e.stream_id join connection ec on ec.id = es.connection_id and ec.name = 'erp'`,
  )
  return new Map(rows.map((row) => [row.crm, row.erp]))
}

/**
 * Ids of the first system of which a person is asked whether the other system knows them. That two of one system may be the same is another
 * question: it holds no creation up.
 */
async function askedAbout({ hub }: PeopleHub): Promise<Set<string>> {
  const { rows } = await hub.pool.query<{ id: string }>(
    `select unnest(array[left_id, right_id]) as id from entity_review where state = 'open' and left_stream <> right_stream`,
  )
  return new Set(rows.map(({ id }) => id))
}
