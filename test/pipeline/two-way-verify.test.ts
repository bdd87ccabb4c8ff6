/** Comparing both sides of a two-way sync: what is on its way or asked about is no divergence, and what nobody carries is one. */
import { expect, test } from 'vitest'
import { type Verification, verifySync } from '../../src/pipeline/index.ts'
import type { TestHub } from './hub.ts'
import { anna, edit, open } from './two-way-hub.ts'

const signal = new AbortController().signal

async function verify(hub: TestHub, name = 'people') {
  const { row } = hub.ports.model().syncByName(name)!
  const verification = await verifySync(hub.ports, row.id, { limit: 100, extra: false, signal })
  return { ...verification, found: found(verification) }
}

const found = ({ findings, fields }: Verification) => [
  ...Object.entries(findings).flatMap(([finding, count]) => (count ? [`${count} ${finding}`] : [])),
  ...fields.flatMap(({ field, stale, diverged, waiting }) => [
    ...(stale ? [`${field} stale`] : []),
    ...(diverged ? [`${field} diverged`] : []),
    ...(waiting ? [`${field} waiting`] : []),
  ]),
]

async function agreed(options: Parameters<typeof open>[0] = {}) {
  const opened = await open(options)
  opened.crm.put('contacts', 'c1', anna)
  await opened.cycle()
  return opened
}

test('an edit of the other side is on its way until that side has delivered it, and then both are equal', async () => {
  const { desk, hub, cycle } = await agreed()
  expect((await verify(hub)).found).toEqual(['1 equal'])
  edit(desk, 'users', { phone: '2' })
  const before = desk.journal.length
  expect((await verify(hub)).found).toEqual(['1 waiting', 'phone waiting'])
  await hub.pull('desk:users')
  const read = await verify(hub)
  expect(read.found).toEqual(['1 waiting', 'phone waiting'])
  expect(read.changes).toEqual([])
  // Seen from where it was edited it is what was not delivered yet.
  expect((await verify(hub, 'people~back')).found).toEqual(['1 stale', 'phone stale'])
  expect(desk.journal.length).toBe(before)
  await cycle()
  expect((await verify(hub)).found).toEqual(['1 equal'])
  expect((await verify(hub, 'people~back')).found).toEqual(['1 equal'])
})

test('a question to a person is no divergence, from either side, and the other fields are told apart', async () => {
  const { crm, desk, hub, cycle, conflicts } = await agreed()
  edit(crm, 'contacts', { name: 'Left' })
  edit(desk, 'users', { name: 'Right' })
  await cycle()
  expect(await conflicts()).toHaveLength(1)
  for (const name of ['people', 'people~back'])
    expect((await verify(hub, name)).found).toEqual(['1 waiting', 'name waiting'])
  edit(crm, 'contacts', { phone: '2' })
  await hub.pull('crm:contacts')
  expect((await verify(hub)).found).toEqual(['1 stale', 'phone stale', 'name waiting'])
})

test('how a target stores what it is given is agreed, and no divergence', async () => {
  const opened = await open()
  opened.desk.stores = (body) => ({ ...body, name: String(body.name).toUpperCase(), phone: ` ${body.phone} ` })
  opened.crm.put('contacts', 'c1', anna)
  await opened.cycle()
  expect(opened.right()[0]!.body.name).toBe('ANNA')
  for (const name of ['people', 'people~back']) expect((await verify(opened.hub, name)).found).toEqual(['1 equal'])
})

test('what stands otherwise in the target and no direction carries is a divergence, which no repair writes', async () => {
  const { desk, hub, cycle, right } = await agreed({ oneWay: ['phone'] })
  edit(desk, 'users', { phone: '2' })
  expect((await verify(hub)).found).toEqual(['1 waiting', 'phone waiting'])
  await cycle()
  const verification = await verify(hub)
  expect(verification.found).toEqual(['1 diverged', 'phone diverged'])
  expect(verification.fields[0]!.samples).toEqual([{ record: 'c1', target: right()[0]!.id, source: '1', there: '2' }])
  expect(verification.changes).toEqual([])
  expect((await verify(hub, 'people~back')).found).toEqual(['1 equal'])
})
