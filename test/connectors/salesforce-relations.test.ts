/** Fields of related records are read where somebody names them, by pages even where everything else would go in bulk. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Subject } from '../../src/conformance/subject.ts'
import { loadConnectors } from '../../src/connector/index.ts'
import { readDescription, simulate } from '../../src/simulator/index.ts'

const connectors = join(import.meta.dirname, '../../connectors')

test('the account of a contact comes with it, nested as the system gives it', async () => {
  const catalogue = loadConnectors([connectors])
  const simulator = simulate(readDescription(join(connectors, 'salesforce/samples/api.yaml')))
  await simulator.start()
  try {
    const subject = await Subject.open(catalogue, 'salesforce', simulator)
    for (const [index, { record }] of simulator.table('contacts').entries.entries())
      Object.assign(record, { Account: index % 2 ? null : { attributes: { type: 'Account' }, Name: `Firm ${index}` } })
    const fields = ['Id', 'LastName', 'Account.Name', 'SystemModstamp', 'IsDeleted']
    const related = await subject.connect({ contact_fields: fields, bulk_from: 1 })
    const { records } = await subject.read('contacts', 'full', null, Infinity, related)
    expect(records.length).toBe(simulator.table('contacts').entries.length)
    const firms = records.map(({ body }) => (body.Account as { Name?: string } | null)?.Name ?? null)
    expect(firms.filter((name) => name === null).length).toBe(Math.floor(records.length / 2))
    expect(firms).toContain('Firm 0')
    expect(simulator.jobs).toBe(0)
    // Without one everything goes by a job; it need not end here.
    const plain = await subject.connect({ contact_fields: fields.filter((name) => !name.includes('.')), bulk_from: 1 })
    await subject.read('contacts', 'full', null, 1, plain)
    expect(simulator.jobs).toBe(1)
  } finally {
    await simulator.stop()
  }
})
