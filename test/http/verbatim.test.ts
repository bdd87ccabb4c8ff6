import { promisify } from 'node:util'
import { zstdCompress } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { recordHash } from '../../src/store/ledger/journal.ts'
import { stringifyVerbatim, verbatim } from '../../src/store/views/index.ts'
import { startHub, type TestHub } from './hub.ts'
import { addDeadLetter, addDelivery, addRecord, type Seeded, seedHub } from './rows.ts'

// Spellings that a parser and printer in between would change; keys that look like integers would be reordered.
const BODY =
  '{"b":9223372036854775807,"2":0.10,"1":1e400,"neg":-0,"nul":"a\\u0000b","lone":"\\ud800","list":[1.0],"none":null,"a":1,"a":2}'

let hub: TestHub
let ids: Seeded
beforeAll(async () => {
  hub = await startHub()
  ids = await seedHub(hub.pool)
})
afterAll(() => hub.close())

test('a record body, its delivery and its dead letter come through as the text in the table', async () => {
  await addRecord(hub.pool, ids.contacts, 'odd', BODY)
  await addDelivery(hub.pool, ids.sync, 'odd', 'dead', { delivered: BODY })
  const letter = await addDeadLetter(hub.pool, ids.sync, 'odd', 'CSW-3008', 'fp', { input: BODY, output: BODY })
  const record = await (await hub.get('/api/v1/record?stream=crm:contacts&id=odd')).text()
  expect(record).toContain(`"body":${BODY}`)
  expect(record).toContain(`"delivered":${BODY}`)
  const shown = await (await hub.get(`/api/v1/dead-letters/${letter}`)).text()
  expect(shown).toContain(`"input":${BODY}`)
  expect(shown).toContain(`"output":${BODY}`)
})

test('journal entries keep the spelling of numbers and leave out other records of the batch', async () => {
  await addRecord(hub.pool, ids.contacts, 'j1', '{}', { seq: 2 })
  const entries = `{"entries":[
    {"record":"j1","part":"","seq":2,"outcome":"created","target":"t1","output":{"big":9223372036854775807,"price":0.10},"input":${JSON.stringify(BODY)}},
    {"record":"other","part":"","seq":3,"outcome":"created"}],"exchanges":[]}`
  await hub.pool.query(
    `insert into journal (kind, stream_id, sync_id, record_hashes, entries) values ('push', $1, $2, $3, $4)`,
    [
      ids.contacts,
      ids.sync,
      [recordHash('j1'), recordHash('other')],
      await promisify(zstdCompress)(Buffer.from(entries)),
    ],
  )
  const text = await (await hub.get('/api/v1/record?stream=crm:contacts&id=j1')).text()
  const { journal } = JSON.parse(text) as { journal: { outcome: string; target: string }[] }
  expect(journal).toMatchObject([{ outcome: 'created', target: 't1' }])
  expect(text).toContain('"output":{"big":9223372036854775807,"price":0.10}')
  expect(text).toContain(`"input":${BODY}`)
})

test('text that is no JSON is answered as a JSON string and breaks nothing', async () => {
  await addRecord(hub.pool, ids.contacts, 'torn', '{"half":')
  const record = (await (await hub.get('/api/v1/record?stream=crm:contacts&id=torn')).json()) as {
    log: { body: string }
  }
  expect(record.log.body).toBe('{"half":')
})

test('splicing is exact for any JSON texts at any depth', () => {
  fc.assert(
    fc.property(fc.array(fc.json(), { maxLength: 5 }), fc.string(), (texts, other) => {
      const value = { other, nested: { list: texts.map((text) => ({ text: verbatim(text) })) } }
      const expected = `{"other":${JSON.stringify(other)},"nested":{"list":[${texts.map((text) => `{"text":${text}}`).join(',')}]}}`
      expect(stringifyVerbatim(value)).toBe(expected)
    }),
  )
})
