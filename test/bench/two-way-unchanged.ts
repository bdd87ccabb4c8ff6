/**
 * A two-way sync between two full systems: at first half of the people are on one side only and are made on the other, the rest is
 * on both sides alike. From then on nothing changes, and nothing may be written: not by a run of changes, and not by one that
 * reads everything again. Ends with 1 where something is.
 *
 *   node test/bench/two-way-unchanged.ts [--records 50000]
 */
import { parseArgs } from 'node:util'
import { Judge } from './judge.ts'
import { withPeopleHub } from './people-hub.ts'
import { contact } from './records.ts'

const { values } = parseArgs({ options: { records: { type: 'string', default: '50000' } } })
const count = Number(values.records)
const judge = new Judge()

const MAPPING = `from: crm:people
to: erp:people
match: [email]
back_match: [email]
both: { email: email, first_name: first_name, last_name: last_name, phone: phone, job_title: job_title, address: address, tags: tags, notes: notes }
conflict: newest
deletes: delete
back_deletes: delete
schedule: manual
`

await withPeopleHub(
  { 'mappings/people.yaml': MAPPING },
  (crm, erp) => {
    for (let i = 0; i < count; i++) {
      const { id, ...body } = contact(i)
      if (i % 4 !== 0) crm.put(`c${id}`, body)
      if (i % 4 !== 1) erp.put(`e${id}`, body)
    }
  },
  async ({ crm, erp, run, hub }) => {
    const first = await run('people', { full: true })
    judge.note('seconds of the first run', first.toFixed(0))
    judge.holds('who is on one side only is made on the other', crm.rows.size === count && erp.rows.size === count)
    judge.holds('and nothing else is written', crm.written + erp.written === Math.round(count / 2))
    for (const full of [false, true, false]) {
      const before = crm.written + erp.written
      const began = process.cpuUsage()
      const seconds = await run('people', { full })
      const { user, system } = process.cpuUsage(began)
      judge.note(
        `seconds unchanged${full ? ', read in full' : ''}`,
        `${seconds.toFixed(0)}, CPU of the hub ${((user + system) / 1e6).toFixed(1)}`,
      )
      judge.holds('0 writes', crm.written + erp.written === before)
    }
    const { rows } = await hub.pool.query<{ n: number }>("select count(*)::int as n from conflict where state = 'open'")
    judge.holds('0 conflicts', rows[0]!.n === 0)
  },
)
judge.end()
