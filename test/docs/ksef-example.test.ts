/** The example of KSeF: sound by its own words, fitting to both systems, and what it makes is taken by the register. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { loadConnectors } from '../../src/connector/index.ts'
import type { JsonObject } from '../../src/core/index.ts'
import { checkSync, createMappingRunner, readSoundMapping, runSuite } from '../../src/mapping/index.ts'
import { readDescription, Simulator } from '../../src/simulator/index.ts'

const ROOT = join(import.meta.dirname, '../..')
const FILE = join(ROOT, 'connectors/ksef/examples/erp-invoices-to-ksef.yaml')
const text = readFileSync(FILE, 'utf8')
const { definition } = readSoundMapping(text, FILE)
const connectors = loadConnectors([join(ROOT, 'connectors')], new Set(['ksef', 'sample-erp']))
const stream = (connector: string, name: string) => connectors.get(connector).streams.get(name)!

const ksef = stream('ksef', 'sales_invoices')
const runner = createMappingRunner({ targetSchema: () => ksef.writeSchema })
afterAll(() => runner.close())

test('it fits the systems it joins, and its tests hold and reach all of it', async () => {
  const joins = { customer: stream('sample-erp', 'customers') }
  expect(checkSync(definition, { from: stream('sample-erp', 'invoices'), to: ksef, joins })).toEqual([])
  const { results, coverage } = await runSuite(definition, { runner })
  expect(results.filter(({ ok }) => !ok)).toEqual([])
  expect(results.length).toBeGreaterThan(4)
  expect(coverage.items.filter(({ reached }) => !reached)).toEqual([])
})

test('what it makes is accepted once, whatever happens to the answers', async () => {
  const { tests } = parse(text) as { tests: { given: { body: JsonObject; with: JsonObject } }[] }
  const { body, with: joined } = tests[0]!.given
  const joins = { customer: JSON.stringify(joined.customer) }
  const numbers = ['INV/1', 'INV/2', 'INV/3']
  const inputs = numbers.map((number) => ({ id: number, body: JSON.stringify({ ...body, number }), joins }))
  const outputs = await runner.map(definition, inputs)
  const items = outputs.map((output, index) => {
    if (output.status !== 'mapped') throw new Error(JSON.stringify(output))
    return {
      ref: numbers[index]!,
      idempotencyKey: numbers[index]!,
      values: output.parts[0]!.values.value as JsonObject,
    }
  })
  const simulator = new Simulator(readDescription(join(ROOT, 'connectors/ksef/samples/api.yaml')))
  await simulator.start()
  const session = await connectors
    .get('ksef')
    .open({ name: 'ksef', settings: (await simulator.settings()) as JsonObject, allow: ['127.0.0.1'] })
  try {
    const before = simulator.table('invoices').present.length
    const send = (sent = items) =>
      session.write({
        stream: 'sales_invoices',
        operation: 'create',
        items: sent,
        signal: new AbortController().signal,
      })
    simulator.faults.add({ kind: 'lost', when: ({ write }) => write })
    const first = await send()
    expect(first.map(({ status }) => status)).toEqual(['written', 'written', 'written'])
    // As after a crash: nobody knows what was sent, and it is sent again.
    const again = await send()
    expect(again).toEqual(first)
    expect(simulator.table('invoices').present.length).toBe(before + 3)
    // Another document under a number that is taken is no second try.
    const other = structuredClone(items[0]!)
    Object.assign((other.values.faktura as { Fa: JsonObject }).Fa, { P_15: '1.00' })
    const [clash] = await send([other])
    expect(clash).toMatchObject({ status: 'refused', error: { message: expect.stringContaining('another document') } })
    expect(simulator.table('invoices').present.length).toBe(before + 3)
    expect(simulator.served.filter(({ alien }) => alien !== null)).toEqual([])
    const held = first.map((outcome) => simulator.table('invoices').find((outcome as { id: string }).id)!.record)
    expect(held.map(({ invoiceNumber, grossAmount, buyer }) => [invoiceNumber, grossAmount, buyer])).toEqual(
      numbers.map((number) => [
        number,
        1246.24,
        { identifier: { type: 'Nip', value: '5252445767' }, name: 'Wisła Foods' },
      ]),
    )
  } finally {
    await session.close()
    await simulator.stop()
  }
})
