/** Records whose ids are places: moved to another one they stay the same, and what lies at the former place next is something else. */
import { expect, test } from 'vitest'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

const copy: TestSync = {
  name: 'copy',
  from: 'files:documents',
  to: 'archive:papers',
  match: [['external_id']],
  deletes: 'delete',
  deleteLimits: { maxShare: 0.1, maxCount: 2 },
  run: (record) => one({ external_id: record.path!, text: record.text! }),
}

/** A store that knows its files by their paths, and gives each an ETag that it keeps. */
async function open(count = 3) {
  const files = new MemorySystem().stream('documents', { deletions: 'scan' })
  const archive = new MemorySystem().stream('papers')
  files.movedBy = ({ body }) => (body.etag as string | null) ?? undefined
  const put = (path: string, etag: string | null, text = etag ?? 'none'): void =>
    files.put('documents', path, { path, etag, text })
  const move = (from: string, to: string): void => {
    const { body } = files.list('documents').find(({ id }) => id === from)!
    rows.delete(from)
    put(to, body.etag as string | null, body.text as string)
  }
  for (let n = 1; n <= count; n++) put(`a/${n}.txt`, `e${n}`)
  const rows = files.rows.get('documents')!
  const hub = await TestHub.open({ files, archive }, [copy])
  const cycle = async () => {
    archive.journal.length = 0
    const { outcome, counts } = (await hub.pull('files:documents', 'full'))!
    await hub.push('copy')
    const operations = archive.journal.map(({ operation }) => operation).sort()
    return { outcome, moved: counts.moved ?? 0, operations }
  }
  await cycle()
  const ids = () => new Map(archive.list('papers').map(({ id, body }) => [body.external_id as string, id]))
  return { files, archive, hub, rows, put, move, cycle, ids }
}

test('a moved record is moved at the target too: 0 deletes, 0 creates', async () => {
  const { move, cycle, ids } = await open()
  const before = ids().get('a/1.txt')
  move('a/1.txt', 'b/first.txt')
  expect(await cycle()).toEqual({ outcome: 'success', moved: 1, operations: ['update'] })
  expect([...ids().keys()].sort()).toEqual(['a/2.txt', 'a/3.txt', 'b/first.txt'])
  expect(ids().get('b/first.txt')).toBe(before)
  expect(await cycle()).toEqual({ outcome: 'success', moved: 0, operations: [] })
})

test('what lies at the former place next is a record of its own, and so is what is moved back', async () => {
  const { move, put, cycle, ids } = await open()
  const before = ids().get('a/1.txt')
  move('a/1.txt', 'a/old.txt')
  await cycle()
  put('a/1.txt', 'fresh')
  expect(await cycle()).toEqual({ outcome: 'success', moved: 0, operations: ['create'] })
  expect(ids().get('a/old.txt')).toBe(before)
  expect(ids().get('a/1.txt')).not.toBe(before)
  move('a/1.txt', 'a/new.txt')
  expect(await cycle()).toMatchObject({ moved: 1, operations: ['update'] })
  move('a/old.txt', 'a/1.txt')
  expect(await cycle()).toMatchObject({ moved: 1, operations: ['update'] })
  expect(ids().get('a/1.txt')).toBe(before)
  expect(new Set(ids().keys())).toEqual(new Set(['a/1.txt', 'a/2.txt', 'a/3.txt', 'a/new.txt']))
})

test('a copy is new, whatever it has in common, and so is what was copied and deleted in two places', async () => {
  const { move, put, rows, cycle, ids } = await open()
  put('b/copy.txt', 'e1')
  expect(await cycle()).toEqual({ outcome: 'success', moved: 0, operations: ['create'] })
  // Now two have the mark, and nothing tells which of them was moved.
  move('a/1.txt', 'c/1.txt')
  rows.delete('b/copy.txt')
  expect(await cycle()).toMatchObject({ moved: 0, operations: ['create', 'delete', 'delete'] })
  expect(ids().has('c/1.txt')).toBe(true)
})

test('a list that forgets a record does not make its copy the moved one: a look by id still finds it', async () => {
  const { files, rows, put, cycle, ids } = await open()
  const hidden = rows.get('a/1.txt')!
  rows.delete('a/1.txt')
  const { fetch } = files
  files.fetch = async (request) => {
    rows.set('a/1.txt', hidden)
    const found = await fetch.call(files, request)
    rows.delete('a/1.txt')
    return found
  }
  put('b/copy.txt', 'e1')
  expect(await cycle()).toEqual({ outcome: 'success', moved: 0, operations: ['create'] })
  expect(ids().has('a/1.txt')).toBe(true)
})

test('without a mark it is one that left and a new one', async () => {
  const { put, move, cycle } = await open()
  put('a/4.txt', null)
  await cycle()
  move('a/4.txt', 'b/4.txt')
  expect(await cycle()).toEqual({ outcome: 'success', moved: 0, operations: ['create', 'delete'] })
})

test('a whole folder that was moved is no suspicious deletion, and is held by nobody', async () => {
  const { move, cycle } = await open(40)
  for (let n = 1; n <= 40; n++) move(`a/${n}.txt`, `b/${n}.txt`)
  expect(await cycle()).toMatchObject({ outcome: 'success', moved: 40, operations: Array(40).fill('update') })
})

test('records that were stored before their stream had marks get them with the next read', async () => {
  const { hub, move, cycle } = await open()
  await hub.pool.query(`delete from record_key where field = '~moved'`)
  await cycle()
  move('a/1.txt', 'b/1.txt')
  expect(await cycle()).toMatchObject({ moved: 1, operations: ['update'] })
})
