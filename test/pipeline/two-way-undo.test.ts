/** Undoing a run of a two-way sync: what it restores is agreed by both directions, and no edit of the other side. */
import { expect, test } from 'vitest'
import { undoRun } from '../../src/pipeline/index.ts'
import type { TestHub } from './hub.ts'
import { anna, edit, open } from './two-way-hub.ts'

const signal = new AbortController().signal

type Options = Parameters<typeof open>[0]

/** Both sides agree on `anna`; then a run carries an edit. */
async function carried(name: 'people' | 'people~back', values: Record<string, string>, options: Options = {}) {
  const opened = await open(options)
  const { crm, desk, hub, cycle } = opened
  crm.put('contacts', 'c1', anna)
  await cycle()
  if (name === 'people') edit(crm, 'contacts', values)
  else edit(desk, 'users', values)
  await hub.pull('crm:contacts')
  await hub.pull('desk:users')
  const pushed = await hub.push(name)
  // What was written is read back by the other direction.
  await cycle()
  return { ...opened, run: pushed!.runId! }
}

const undo = (hub: TestHub, run: number, plan = false) => undoRun(hub.ports, run, { plan, creations: false, signal })

test.each(['people', 'people~back'] as const)(
  '%s: the other side keeps its edit, and nobody writes any more',
  async (name) => {
    const { run, hub, cycle, left, right, conflicts } = await carried(name, { phone: '2' })
    const [edited, restored] = name === 'people' ? [left, right] : [right, left]
    expect(restored()[0]!.body.phone).toBe('2')
    expect(await undo(hub, run, true)).toMatchObject({ restored: 1, left: [] })
    expect(await undo(hub, run)).toMatchObject({ restored: 1, states: { delivered: 1 }, left: [] })
    expect(restored()[0]!.body).toEqual(anna)
    expect(await cycle()).toBe(0)
    expect([edited()[0]!.body.phone, restored()[0]!.body.phone]).toEqual(['2', '1'])
    expect(await conflicts()).toEqual([])
  },
)

test('after an undo edits of both sides go over as before, and with the next one what the source still says', async () => {
  const { run, desk, hub, cycle, left, right } = await carried('people', { phone: '2' })
  await undo(hub, run)
  edit(desk, 'users', { name: 'Right' })
  await cycle()
  for (const side of [left, right]) expect(side()[0]!.body).toEqual({ ...anna, name: 'Right', phone: '2' })
  expect(await cycle(1)).toBe(0)
})

test('a field that was edited since stays, and comes over like any edit', async () => {
  const { run, desk, hub, cycle, left, right } = await carried('people', { name: 'Left', phone: '2' })
  edit(desk, 'users', { name: 'Right' })
  const undone = await undo(hub, run)
  expect(undone).toMatchObject({ restored: 1, left: [{ reason: 'it was changed since', fields: ['name'] }] })
  expect(right()[0]!.body).toMatchObject({ name: 'Right', phone: '1' })
  await cycle()
  expect(left()[0]!.body).toMatchObject({ name: 'Right', phone: '2' })
})

test('an edit of the target that a policy ran over comes back', async () => {
  const { crm, desk, hub, cycle, right } = await open({ policy: 'from' })
  crm.put('contacts', 'c1', anna)
  await cycle()
  edit(crm, 'contacts', { name: 'Left' })
  edit(desk, 'users', { name: 'Right' })
  await hub.pull('crm:contacts')
  const pushed = await hub.push('people')
  await cycle()
  expect(right()[0]!.body.name).toBe('Left')
  await undo(hub, pushed!.runId!)
  expect(right()[0]!.body.name).toBe('Right')
  expect(await cycle()).toBe(0)
  expect([crm.list('contacts')[0]!.body.name, right()[0]!.body.name]).toEqual(['Left', 'Right'])
})

test('a value that the target stores in its own way still is what the run wrote', async () => {
  const opened = await open()
  const { crm, desk, hub, cycle, right } = opened
  desk.stores = (body) => ({ ...body, name: String(body.name).toUpperCase() })
  crm.put('contacts', 'c1', anna)
  await cycle()
  edit(crm, 'contacts', { name: 'Wrong' })
  await hub.pull('crm:contacts')
  const pushed = await hub.push('people')
  await cycle()
  expect(right()[0]!.body.name).toBe('WRONG')
  expect(await undo(hub, pushed!.runId!)).toMatchObject({ restored: 1, left: [] })
  expect(right()[0]!.body.name).toBe('ANNA')
  expect(await cycle()).toBe(0)
  expect([crm.list('contacts')[0]!.body.name, right()[0]!.body.name]).toEqual(['Wrong', 'ANNA'])
})

test('a target that takes whole records gets no bookkeeping of ours, and keeps what stands there', async () => {
  const opened = await open()
  const { crm, desk, hub, cycle, right } = opened
  desk.streams.get('users')!.abilities.partialUpdate = false
  crm.put('contacts', 'c1', anna)
  await cycle()
  edit(crm, 'contacts', { phone: '2' })
  await hub.pull('crm:contacts')
  const pushed = await hub.push('people')
  edit(desk, 'users', { name: 'Right' })
  await undo(hub, pushed!.runId!)
  expect(right()[0]!.body).toEqual({ ...anna, name: 'Right' })
})

test('an edit made between the look and the write is refused by the target, and named', async () => {
  const { run, desk, hub, cycle, left, right } = await carried('people', { phone: '2' })
  desk.conditional = true
  desk.onWrite = async () => {
    desk.onWrite = async () => {}
    edit(desk, 'users', { phone: '3' })
  }
  const undone = await undo(hub, run)
  expect(undone).toMatchObject({
    restored: 0,
    changes: [],
    left: [{ record: 'c1', reason: expect.stringContaining('changed') }],
  })
  expect(right()[0]!.body.phone).toBe('3')
  await cycle()
  expect([left()[0]!.body.phone, right()[0]!.body.phone]).toEqual(['3', '3'])
})

test('what a run created is deleted there and not here, and comes back with the next edit only', async () => {
  const { crm, hub, cycle, left, right } = await open()
  crm.put('contacts', 'c1', anna)
  await hub.pull('crm:contacts')
  await hub.pull('desk:users')
  const pushed = await hub.push('people')
  await hub.pull('desk:users')
  await hub.push('people~back')
  const undone = await undoRun(hub.ports, pushed!.runId!, { plan: false, creations: true, signal })
  expect(undone).toMatchObject({ restored: 0, removed: 1, left: [] })
  expect(right()).toEqual([])
  expect(await cycle()).toBe(0)
  expect(left().map(({ body }) => body)).toEqual([anna])
  edit(crm, 'contacts', { phone: '2' })
  await cycle()
  expect([left(), right()].map((rows) => rows.map(({ body }) => body.phone))).toEqual([['2'], ['2']])
})

test('a record that somebody edited since the run made it stays, whatever the field', async () => {
  const { crm, desk, hub, right } = await open()
  crm.put('contacts', 'c1', anna)
  await hub.pull('crm:contacts')
  const pushed = await hub.push('people')
  edit(desk, 'users', { note: 'call back' })
  const undone = await undoRun(hub.ports, pushed!.runId!, { plan: false, creations: true, signal })
  expect(undone).toMatchObject({ removed: 0, left: [{ reason: 'it was changed since', fields: [] }] })
  expect(right()).toHaveLength(1)
})
