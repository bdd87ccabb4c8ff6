/** Checks of writes that a system works off in its own time. */
import type { JobNote, WriteItem, WriteOutcome } from '../connector/index.ts'
import type { JsonObject } from '../core/index.ts'
import { agreed, nothing, type StreamCheck, type StreamTest } from './check.ts'
import { item, send, valuesFor, written } from './write-checks.ts'

type Operation = 'create' | 'upsert'
type Ways = { apart?: string[]; batch?: { job?: Job }; bulk?: { job?: Job } }
type Job = { each?: unknown }

/** The operations of the manifest. */
function waysOf({ subject, stream }: StreamTest): Record<string, Ways> {
  const { write } = subject.written(stream)
  return typeof write === 'object' ? (write as Record<string, Ways>) : {}
}

/** An operation that makes records and goes by jobs here; a session that is filled one by one (`each`) is none. */
function operationOf(test: StreamTest): Operation {
  const ways = waysOf(test)
  const found = (['create', 'upsert'] as const).find((name) => {
    const { batch, bulk } = ways[name] ?? {}
    const job = bulk?.job ?? batch?.job
    return job !== undefined && !('each' in job)
  })
  return found ?? nothing('no records are made by jobs')
}

/** Two new records. */
async function itemsFor(test: StreamTest, operation: Operation): Promise<WriteItem[]> {
  const [field] = test.info.abilities.upsertBy
  const items: WriteItem[] = []
  for (const ref of ['a', 'b']) {
    const values = await valuesFor(test)
    const key = operation === 'upsert' ? { key: { field: field!, value: String(values[field!]) } } : {}
    items.push(item(ref, values, key))
  }
  return items
}

/** Writes, and is content only where a job did it. */
async function sendByJob(...given: Parameters<typeof send>): Promise<WriteOutcome[]> {
  const { simulator } = given[0].subject
  const before = simulator.jobs
  const outcomes = await send(...given)
  simulator.faults.clear()
  if (simulator.jobs === before) nothing('so few records do not go by jobs')
  return outcomes
}

function agreedDoubt(outcomes: WriteOutcome[], what: string): void {
  const said = outcomes.map(({ status }) => status).join(', ')
  agreed(
    outcomes.every(({ status }) => status === 'unknown'),
    `records of ${what} are reported as ${said}, not as unknown`,
  )
}

function agreedMade({ subject, use }: StreamTest, outcomes: WriteOutcome[], before: number): void {
  const ids = new Set(outcomes.map((outcome) => written(outcome, 'a record of a job')))
  agreed(
    [...ids].every((id) => subject.entryOf(use, id)),
    'an id that is reported is not that of a new record',
  )
  agreed(
    ids.size === outcomes.length && subject.expected(use).length === before + ids.size,
    `${subject.expected(use).length - before} records were made of ${outcomes.length}`,
  )
}

/** A job that comes to nothing says nothing of its records: they are looked up, and sent again. */
export const failedJobs: StreamCheck = async (test) => {
  const operation = operationOf(test)
  const { subject, use } = test
  const items = await itemsFor(test, operation)
  const before = subject.expected(use).length
  subject.simulator.faults.add({ kind: 'fails', when: ({ write }) => write })
  agreedDoubt(await sendByJob(test, operation, items), 'a job that failed')
  agreed(subject.expected(use).length === before, 'a job that failed made records')
  agreedMade(test, await send(test, operation, items), before)
  return 'unknown, then sent again'
}

/** Where every record of a job is refused, the job may count as failed; the records are refused, not in doubt. */
export const refusedJobs: StreamCheck = async (test) => {
  const operation = operationOf(test)
  const { subject, use } = test
  if (!use.refused) return nothing('the description names no value that is refused (`streams.….refused`)')
  const before = subject.expected(use).length
  const bad = (await subject.simulator.filled(use.refused, { n: subject.next() })) as JsonObject
  const items = (await itemsFor(test, operation)).map((one) => ({ ...one, values: { ...one.values, ...bad } }))
  const outcomes = await sendByJob(test, operation, items)
  const said = outcomes.map(({ status }) => status)
  agreed(
    said.every((status) => status === 'refused'),
    `two bad records of a job are reported as ${said.join(', ')}, not as refused`,
  )
  agreed(subject.expected(use).length === before, 'bad records were made')
  return 'refused, both'
}

/** Who cannot ask after a job now learns later what it did, by what was kept of it. */
export const forgottenJobs: StreamCheck = async (test) => {
  const operation = operationOf(test)
  const { subject, use, stream } = test
  const { session, simulator, signal } = subject
  // Fields that travel after the record cannot be sent by who asks later.
  const apart = new Set(waysOf(test)[operation]?.apart)
  const items = (await itemsFor(test, operation)).map(({ values, ...one }) => ({
    ...one,
    values: Object.fromEntries(Object.entries(values).filter(([name]) => !apart.has(name))),
  }))
  const before = subject.expected(use).length
  const notes = new Map<string, JobNote>()
  const keep = async (kept: ReadonlyMap<string, JobNote>) => {
    for (const [ref, note] of kept) {
      notes.set(ref, note)
      // As it is kept: text in a table.
      subject.said.push(JSON.stringify(note))
    }
    // Longer than anybody waits; and oftener than anybody asks, where the system does not say for how long.
    for (let asked = 0; asked < 10; asked++)
      simulator.faults.add({ kind: 'throttled', ms: 40_000, when: ({ write }) => !write })
  }
  agreedDoubt(await sendByJob(test, operation, items, keep), 'a job that cannot be asked after')
  agreed(notes.size === items.length, `of ${items.length} records ${notes.size} have a note of their job`)
  agreed(session.finish !== undefined, 'nothing asks after jobs later')
  const later = await session.finish({
    stream,
    operation,
    items: [...notes].map(([ref, job]) => ({ ref, job })),
    signal,
  })
  agreed(later.length === items.length, `of ${items.length} records of a job ${later.length} are told of later`)
  agreedMade(test, later, before)
  return 'unknown, then asked after'
}

/** The credentials may end while a job runs. */
export const longJobs: StreamCheck = async (test) => {
  const operation = operationOf(test)
  const { subject, use } = test
  const { simulator } = subject
  if (!Object.values(simulator.description.routes).some(({ token }) => token)) nothing('credentials do not expire')
  const before = subject.expected(use).length
  const expire = async () => simulator.faults.add({ kind: 'expire', when: ({ write }) => !write })
  agreedMade(test, await sendByJob(test, operation, await itemsFor(test, operation), expire), before)
  return 'a new token is got, and the job asked after'
}
