/**
 * What it costs a record that mappings run in a process of their own: the same mapping of the same texts, once through the sandbox and
 * once by the same code in this process, both in batches of 100. Counted is the processor time of all processes; the bar of part 4 is 15 µs.
 */
import { readFileSync } from 'node:fs'
import { createMappingRunner } from '../../src/mapping/index.ts'
import { prepare } from '../../src/mapping/prepare.ts'
import { readSoundMapping } from '../../src/mapping/read.ts'
import { mapRecord } from '../../src/mapping/run-record.ts'
import { contact, MAPPING } from './records.ts'

const RECORDS = 10_000
const ROUNDS = 5
const BATCH = 100
const BAR_US = 15

const fields = Object.entries(MAPPING).map(([field, expression]) => `  ${field}: ${JSON.stringify(expression)}`)
const source = `from: bench:contacts\nto: bench:customers\nmode: create-only\nmap:\n${fields.join('\n')}\n`
const { definition, program } = readSoundMapping(source, 'mappings/contacts.yaml')
const inputs = Array.from({ length: RECORDS }, (_, i) => ({
  id: String(i),
  body: Buffer.from(JSON.stringify(contact(i))),
}))
const batches = Array.from({ length: RECORDS / BATCH }, (_, i) => inputs.slice(i * BATCH, (i + 1) * BATCH))

const runner = createMappingRunner()
const prepared = prepare({ ...program, schema: null })

/** Microseconds of processor time of this process and of those that map for it; Linux counts the latter in nanoseconds. */
function cpuUs(): number {
  const { user, system } = process.cpuUsage()
  const children = runner.pids.map(
    (pid) => Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1_000,
  )
  return children.reduce((sum, us) => sum + us, user + system)
}

const ways = {
  sandbox: async (batch: typeof inputs) => {
    const outputs = await runner.map(definition, batch)
    return outputs.map((output) => (output.status === 'mapped' ? output.parts[0]!.values.bytes.length : 0))
  },
  here: async (batch: typeof inputs) => {
    const lengths: number[] = []
    for (const { id, body } of batch) {
      const output = await mapRecord(prepared, { id, deleted: false, joins: [] }, [body.toString()], null)
      lengths.push(output.status === 'mapped' ? output.parts[0]!.values.bytes.length : 0)
    }
    return lengths
  },
}

/** The cheapest of some rounds: what else runs on the machine only ever adds. */
async function best(map: (batch: typeof inputs) => Promise<number[]>): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    const before = cpuUs()
    for (const batch of batches) if ((await map(batch)).includes(0)) throw new Error('a record was not mapped')
    least = Math.min(least, (cpuUs() - before) / RECORDS)
  }
  return least
}

try {
  if (String(await ways.sandbox(batches[0]!)) !== String(await ways.here(batches[0]!)))
    throw new Error('the sandbox maps to something else')
  const [sandbox, here] = [await best(ways.sandbox), await best(ways.here)]
  console.log(
    `\nA mapping in a process of its own, batches of ${BATCH}, best of ${ROUNDS} rounds of ${RECORDS} records, µs of processor time`,
  )
  console.table([
    {
      'in the sandbox': Number(sandbox.toFixed(2)),
      'the same code here': Number(here.toFixed(2)),
      'the isolation': Number((sandbox - here).toFixed(2)),
      bar: BAR_US,
    },
  ])
} finally {
  await runner.close()
}
