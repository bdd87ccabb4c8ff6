import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import type { WriteItem, WriteOperation } from '../../../src/connector/index.ts'
import { carddav } from '../../../src/connector/protocols/carddav/index.ts'
import { changedCard, newCard, readCard } from '../../../src/connector/protocols/carddav/vcard.ts'
import type { JsonObject } from '../../../src/core/index.ts'
import { CardDavServer } from './carddav-server.ts'
import { never, openManifest, readAll } from './open.ts'

const lines = (...all: string[]) => `${all.join('\r\n')}\r\n`
const zoe = lines(
  'BEGIN:VCARD',
  'VERSION:3.0',
  'UID:u-1',
  'FN:Zoë\\, Ltd',
  'N:Neu;Zoë;;Dr.;',
  'item1.EMAIL;TYPE=INTERNET,WORK,pref:z@x.example',
  'item1.X-ABLabel:_$!<Other>!$_',
  'EMAIL;TYPE=HOME:home@x.example',
  'ORG:A\\;B;Dept',
  'CATEGORIES:a,b\\,c',
  'X-UNKNOWN;X-P="q:1":raw\\,value;semi\\;x',
  'PHOTO;VALUE=URI:https://x.example/a,b?c=\\,',
  'ADR;TYPE=HOME:;;Straße 1\\, 2;Łódź;;90-001;Polska',
  `NOTE:${'long '.repeat(20)}`,
  'END:VCARD',
)
const card = (n: number) =>
  lines('BEGIN:VCARD', 'VERSION:4.0', `UID:u${n}`, `FN:Person ${n}`, `EMAIL;PREF=1:p${n}@x.example`, 'END:VCARD')

const running: CardDavServer[] = []
afterEach(() => {
  for (const server of running.splice(0)) server.stop()
})
async function book(manifest: string = carddav.example) {
  const server = await new CardDavServer().start()
  running.push(server)
  const session = await openManifest(manifest, { url: `${server.url}/dav`, user: 'u', password: 'secret-one' })
  const write = (operation: WriteOperation, ...items: (Partial<WriteItem> & { ref: string })[]) =>
    session.write({
      ...{ stream: 'contacts', operation, signal: never },
      items: items.map((item) => ({ values: {}, idempotencyKey: `k-${item.ref}`, ...item })),
    })
  return { server, session, write }
}

test('the book is found from the user on; a first pull reads all, the next one changes and deletions', async () => {
  const { server, session } = await book()
  for (let n = 1; n <= 5; n++) server.put(`c ${n}.vcf`, card(n))
  const first = await readAll(session, 'contacts', 'incremental')
  expect(first.records.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5].map((n) => `c ${n}.vcf`))
  expect(first.records[0]!.body).toMatchObject({ uid: 'u1', emails: [{ value: 'p1@x.example', types: ['pref'] }] })
  expect(first.pages).toHaveLength(3)
  server.put('c 2.vcf', card(22))
  server.remove('c 3.vcf')
  const next = await readAll(session, 'contacts', 'incremental', first.cursor)
  expect(next.records.map(({ id, deleted = false }) => [id, deleted])).toEqual([
    ['c 3.vcf', true],
    ['c 2.vcf', false],
  ])
  expect((await readAll(session, 'contacts', 'incremental', next.cursor)).records).toEqual([])
  server.oldest = 100
  expect((await readAll(session, 'contacts', 'incremental', next.cursor)).records).toHaveLength(4)
})

test('a read that breaks off goes on; what changed meanwhile on a page already read comes with the next pull', async () => {
  const { server, session } = await book()
  for (let n = 1; n <= 5; n++) server.put(`c${n}.vcf`, card(n))
  let cursor: JsonObject | null = null
  for await (const page of session.read({ stream: 'contacts', mode: 'full', cursor, signal: never })) {
    cursor = JSON.parse(JSON.stringify(page.cursor))
    break
  }
  server.put('c1.vcf', card(11))
  const rest = await readAll(session, 'contacts', 'full', cursor)
  expect(rest.records.map(({ id }) => id)).toEqual(['c3.vcf', 'c4.vcf', 'c5.vcf'])
  const next = await readAll(session, 'contacts', 'incremental', rest.cursor)
  expect(next.records.map(({ body }) => body.uid)).toEqual(['u11'])
})

test('an answer that is cut short by the server is asked on, in full and in part', async () => {
  const { server, session } = await book()
  for (let n = 1; n <= 5; n++) server.put(`c${n}.vcf`, card(n))
  server.most = 2
  const { records, cursor } = await readAll(session, 'contacts', 'incremental')
  expect(records.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5].map((n) => `c${n}.vcf`))
  expect((await readAll(session, 'contacts', 'incremental', cursor)).records).toEqual([])
})

test('without sync-collection every read is a listing; what is no card is rejected by itself', async () => {
  const { server, session } = await book(
    carddav.example.replace('page_size: 2', 'page_size: 2\n    sync: false\n    book: Contacts'),
  )
  expect(session.streams.get('contacts')!.abilities).toMatchObject({ incremental: false, deletions: 'scan' })
  server.put('a.vcf', card(1))
  server.put('b.vcf', 'BEGIN:VCARD\r\nFN')
  const { records, pages } = await readAll(session, 'contacts')
  expect(records.map(({ id }) => id)).toEqual(['a.vcf'])
  expect(pages.flatMap(({ rejected }) => rejected.map(({ error }) => error.code))).toEqual(['CSW-5001'])
})

test('an update changes what it gives and leaves every other line as it stands', async () => {
  const { server, write } = await book()
  server.put('z.vcf', zoe)
  const values = {
    fn: 'Zoë Neu',
    emails: [
      { value: 'z@x.example', types: ['work', 'pref'] },
      { value: 'new@x.example', types: ['home'] },
    ],
    title: 'Chefin, "Nord"; Süd',
    categories: [],
  }
  expect(await write('update', { ref: 'a', id: 'z.vcf', values })).toMatchObject([{ status: 'written', id: 'z.vcf' }])
  const after = server.cards.get('z.vcf')!.text.replaceAll('\r\n ', '').split('\r\n')
  const before = zoe.split('\r\n')
  expect(after).toEqual([
    ...before.slice(0, 3),
    'FN:Zoë Neu',
    ...before.slice(4, 6),
    'EMAIL;TYPE=home:new@x.example',
    ...before.slice(6, 7),
    ...before.slice(8, 9),
    ...before.slice(10, 14),
    'TITLE:Chefin\\, "Nord"; Süd',
    ...before.slice(14),
  ])
  expect(server.asked.at(-1)!.headers['if-match']).toBe('"1"')
})

test('somebody else writes at the same time: the change is made once more, unless a version was asked for', async () => {
  const { server, session, write } = await book()
  server.put('a.vcf', card(1))
  const etag = (await session.fetch({ stream: 'contacts', ids: ['a.vcf'], signal: never }))[0]!.condition!
  let times = 1
  server.intercept = (method) => {
    if (method === 'PUT' && times-- > 0) server.put('a.vcf', card(1).replace('END', 'NOTE:theirs\r\nEND'))
    return false
  }
  expect(await write('update', { ref: 'a', id: 'a.vcf', values: { title: 'ours' } })).toMatchObject([
    { status: 'written' },
  ])
  expect(server.cards.get('a.vcf')!.text).toMatch(/NOTE:theirs\r\nTITLE:ours/)
  expect(await write('update', { ref: 'a', id: 'a.vcf', ifVersion: etag, values: { title: 'late' } })).toMatchObject([
    { status: 'conflict', error: { code: 'CSW-3013' } },
  ])
  expect(await write('delete', { ref: 'a', id: 'a.vcf', ifVersion: etag })).toMatchObject([{ status: 'conflict' }])
  expect(await write('delete', { ref: 'a', id: 'a.vcf' })).toMatchObject([{ status: 'written' }])
  expect(await write('update', { ref: 'a', id: 'a.vcf', values: {} })).toMatchObject([{ status: 'missing' }])
  expect(await write('delete', { ref: 'a', id: 'a.vcf' })).toMatchObject([{ status: 'missing' }])
})

test('a create never replaces a card; one whose answer is lost is unknown, and meets itself when sent again', async () => {
  const { server, session, write } = await book()
  const values = {
    name: { given: 'Ann', family: 'Bo' },
    emails: ['ann@x.example'],
    urls: [{ value: 'https://x.example/a,b' }],
    birthday: '1980-05-06',
  }
  const [made] = await write('create', { ref: 'a', values })
  expect(made).toMatchObject({ status: 'written' })
  const text = [...server.cards.values()][0]!.text
  expect(text).toContain('FN:Ann Bo\r\n')
  expect(text).toContain('BDAY:1980-05-06\r\n')
  expect(text).toContain('URL:https://x.example/a,b\r\n')
  expect(await write('create', { ref: 'a', values })).toMatchObject([{ status: 'conflict' }])
  server.intercept = (method, response) => method === 'PUT' && Boolean(response.destroy())
  expect(await write('create', { ref: 'b', values: { fn: 'x' } })).toMatchObject([
    { status: 'unknown', error: { code: 'CSW-3012' } },
  ])
  expect(await write('create', { ref: 'c', values: { shoe: '42' } })).toMatchObject([
    { status: 'refused', error: { code: 'CSW-2007' } },
  ])
  const found = await session.lookup({
    stream: 'contacts',
    field: 'email',
    values: ['ANN@x.example', 'no@x.example'],
    signal: never,
  })
  expect([...found].map(([value, records]) => [value, records.length])).toEqual([['ANN@x.example', 1]])
  const id = made!.status === 'written' ? made!.id : ''
  expect(
    (await session.fetch({ stream: 'contacts', ids: [id, 'no.vcf'], signal: never })).map((record) => record.id),
  ).toEqual([id])
})

test('HTML, a cut answer or one without a token end a read', async () => {
  const { server, session } = await book()
  await session.fetch({ stream: 'contacts', ids: ['x'], signal: never })
  for (const body of [
    '<html></html>',
    '<D:multistatus xmlns:D="DAV:"><D:response>',
    '<D:multistatus xmlns:D="DAV:"/>',
    'busy',
  ]) {
    server.intercept = (_method, response) => Boolean(response.writeHead(207).end(body))
    await expect(readAll(session, 'contacts')).rejects.toMatchObject({ code: 'CSW-3007' })
  }
})

test('a card that the server refuses for what it is holds nobody up', async () => {
  const { server, write } = await book()
  const bodies = ['<C:max-resource-size/>', '<C:no-uid-conflict><D:href>/a.vcf</D:href></C:no-uid-conflict>', '']
  server.intercept = (method, response) => {
    if (method !== 'PUT') return false
    const named = `<D:error xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">${bodies.shift()}</D:error>`
    return Boolean(response.writeHead(403, { 'content-type': 'application/xml' }).end(named))
  }
  const create = async () => (await write('create', { ref: 'a', values: { fn: 'x' } }))[0]
  expect(await create()).toMatchObject({ status: 'refused', error: { code: 'CSW-3008' } })
  expect(await create()).toMatchObject({ error: { message: expect.stringContaining('no-uid-conflict') } })
  // Without a reason it is the credentials that may not write here.
  expect(await create()).toMatchObject({ error: { code: 'CSW-3004' } })
})

test('commas that a server leaves bare in plain texts are part of them', () => {
  for (const version of ['3.0', '4.0']) {
    const text = `BEGIN:VCARD\r\nVERSION:${version}\r\nFN:A, B\r\nNOTE:one\\, two, three; four\r\nEND:VCARD\r\n`
    expect(readCard(text)).toMatchObject({ fn: 'A, B', note: 'one, two, three; four' })
  }
})

test('property: fields go into a card and come back as themselves, and changing nothing changes no byte', () => {
  const text = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 100 })
    .map((value) => value.replace(/[\p{Cc}\u2028\u2029\u0085]/gu, ' ').trim() || 'x')
  const typed = fc.record({ value: text, types: fc.constantFrom<string[]>([], ['home'], ['cell', 'work']) })
  const fields = fc.record({
    fn: text,
    title: text,
    note: text,
    emails: fc.array(typed, { maxLength: 3 }),
    org: fc.array(text, { maxLength: 3 }),
    categories: fc.array(text, { maxLength: 3 }),
  })
  fc.assert(
    fc.property(fields, fields, (first, second) => {
      const made = newCard(first, 'seed').text
      expect(readCard(made)).toMatchObject(first)
      expect(changedCard(made, first)).toBe(made)
      expect(readCard(changedCard(made, second))).toMatchObject(second)
      for (const line of made.split('\r\n')) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(76)
    }),
  )
})

test('a backslash at the end of one of several values ends no escape', () => {
  const fields = {
    categories: ['\\', 'x', 'C:\\', 'a\\,b'],
    org: ['Works\\', 'East;\\'],
    name: { family: 'Doe\\', given: '\\J;R', additional: '', prefix: '', suffix: '' },
    note: 'a\\',
    urls: [{ value: 'file://server\\share\\', types: [] }],
  }
  const { text } = newCard({ fn: 'x', ...fields }, 'seed')
  expect(readCard(text)).toMatchObject(fields)
  expect(changedCard(text, fields)).toBe(text)
  // The sign that stands for it meanwhile is a letter like others.
  expect(readCard(newCard({ fn: '\ue000\\', categories: ['\ue000', '\\'] }, 'seed').text)).toMatchObject({
    fn: '\ue000\\',
    categories: ['\ue000', '\\'],
  })
})

test('semicolons that a server escapes in plain texts arrive as semicolons, backslashes stay', () => {
  const card = (note: string) =>
    `BEGIN:VCARD\r\nVERSION:3.0\r\nUID:a\r\nFN:x\\; y\r\nN:Doe;J\\;R;;;\r\nNOTE:${note}\r\nEND:VCARD\r\n`
  const read = readCard(card('one\\; two\\, three\\n\\\\; four\\\r\n ; five'))
  expect([read.fn, read.note]).toEqual(['x; y', 'one; two, three\n\\; four; five'])
  expect(read.name).toMatchObject({ family: 'Doe', given: 'J;R' })
  expect(changedCard(card('a\\; b'), { fn: 'z' })).toContain('NOTE:a\\; b')
})

test('who lost the right to write sends no card', async () => {
  const { server, session } = await book()
  const items = [{ ref: '0', values: { name: 'late' }, idempotencyKey: 'k' }]
  const request = { stream: 'contacts', operation: 'create' as const, items, signal: never }
  expect(await session.write({ ...request, maySend: () => false })).toMatchObject([{ error: { code: 'CSW-3015' } }])
  expect(server.cards.size).toBe(0)
  await session.write({ ...request, maySend: () => true })
  expect(server.cards.size).toBe(1)
})
