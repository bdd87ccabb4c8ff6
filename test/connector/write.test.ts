import { expect, test } from 'vitest'
import type { ConnectorSession, WriteItem, WriteOperation, WriteOutcome } from '../../src/connector/index.ts'
import { type JsonObject, JsonText } from '../../src/core/index.ts'
import { load, open, restManifest, signal } from './open.ts'
import { serve } from './server.ts'

const item = (ref: string, more: Partial<WriteItem> = {}): WriteItem => ({
  ref,
  values: { name: ref },
  idempotencyKey: `key-${ref}`,
  ...more,
})
const items = (count: number, make: (n: number) => WriteItem = (n) => item(`r${n}`)) =>
  Array.from({ length: count }, (_, i) => make(i + 1))
const write = (session: ConnectorSession, operation: WriteOperation, list: WriteItem[]) =>
  session.write({ stream: 'things', operation, items: list, signal })
const told = (outcomes: WriteOutcome[]) =>
  outcomes.map((outcome) => [
    outcome.ref,
    outcome.status,
    outcome.status === 'written' ? outcome.id : outcome.error.code,
  ])

const single = restManifest(`
  write:
    create:
      path: /things
      headers: { Idempotency-Key: "\${ idempotency_key }" }
      body: { thing: "\${ values }" }
      id: response.thing.id
      version: headers.etag
      returned: response.thing
    update:
      path: /things/\${ id }
      headers: { If-Match: "\${ version }" }
      body: \${ values }
    upsert:
      key: [email]
      path: /things/by/\${ key.field }/\${ key.value }
      body: \${ values }
      id: response.id
    delete: { path: "/things/\${ id }" }
`)

test('one record a call: create, update, upsert, delete', async () => {
  await using server = await serve(({ method }) => {
    if (method === 'POST') return { status: 201, json: { thing: { id: 7, name: 'x' } }, headers: { ETag: '"v1"' } }
    if (method === 'PUT') return { json: { id: 8 } }
    return { status: 204 }
  })
  const session = await open(single, server)
  expect(session.streams.get('things')!.abilities).toMatchObject({
    create: true,
    update: true,
    upsert: true,
    upsertBy: ['email'],
    delete: true,
    partialUpdate: true,
    read: false,
  })
  expect(await write(session, 'create', [item('a')])).toEqual([
    { ref: 'a', status: 'written', id: '7', version: '"v1"', body: { id: 7, name: 'x' } },
  ])
  expect(
    told(await write(session, 'update', [item('b', { id: 'x/1', ifVersion: '"v1"', values: { name: null } })])),
  ).toEqual([['b', 'written', 'x/1']])
  expect(told(await write(session, 'upsert', [item('c', { key: { field: 'email', value: 'a b@c.d' } })]))).toEqual([
    ['c', 'written', '8'],
  ])
  expect(told(await write(session, 'delete', [item('d', { id: '9' })]))).toEqual([['d', 'written', '9']])
  const [create, update, upsert, remove] = server.asked
  expect(create).toMatchObject({
    method: 'POST',
    json: { thing: { name: 'a' } },
    headers: { 'idempotency-key': 'key-a', 'content-type': 'application/json' },
  })
  expect(update).toMatchObject({
    method: 'PATCH',
    path: '/things/x%2F1',
    json: { name: null },
    headers: { 'if-match': '"v1"' },
  })
  expect(upsert).toMatchObject({ method: 'PUT', path: '/things/by/email/a%20b%40c.d' })
  expect(remove).toMatchObject({ method: 'DELETE', path: '/things/9' })
  expect(remove!.bytes).toHaveLength(0)
})

test('numbers travel unquoted in their own spelling, keys called __proto__ arrive', async () => {
  await using server = await serve(() => ({ json: { thing: { id: 1 } } }))
  const session = await open(single, server)
  const { parseExact } = await import('../../src/core/index.ts')
  const text = '{"n":9223372036854775807,"p":0.10,"__proto__":{"x":1},"list":[1]}'
  await write(session, 'create', [item('a', { values: parseExact(text) as JsonObject })])
  expect(server.asked[0]!.bytes.toString()).toBe(`{"thing":${text}}`)
})

test('an id that would change the path is refused before anything is sent', async () => {
  await using server = await serve(() => ({ status: 204 }))
  const session = await open(single, server)
  expect(
    told(await write(session, 'delete', [item('a', { id: '..' }), item('b', { id: '' }), item('c', { id: '../x' })])),
  ).toEqual([
    ['a', 'refused', 'CSW-2007'],
    ['b', 'refused', 'CSW-2007'],
    ['c', 'written', '../x'],
  ])
  expect(server.asked.map(({ path }) => path)).toEqual(['/things/..%2Fx'])
})

const answers: [status: number, WriteOperation, string, string][] = [
  [401, 'update', 'retry', 'CSW-3003'],
  [403, 'update', 'retry', 'CSW-3004'],
  [404, 'update', 'missing', 'CSW-3009'],
  [404, 'create', 'retry', 'CSW-3014'],
  [409, 'create', 'refused', 'CSW-3008'],
  [409, 'update', 'conflict', 'CSW-3013'],
  [412, 'update', 'conflict', 'CSW-3013'],
  [422, 'create', 'refused', 'CSW-3008'],
  [429, 'create', 'retry', 'CSW-3005'],
  [500, 'update', 'retry', 'CSW-3006'],
  [503, 'delete', 'retry', 'CSW-3006'],
]
test.each(answers)('%i to a %s is %s (%s)', async (status, operation, outcome, code) => {
  await using server = await serve(() => ({ status, json: { message: 'no' } }))
  const session = await open(single.replace('streams:', 'limits: { attempts: 1 }\nstreams:'), server)
  const [result] = await write(session, operation, [item('a', { id: '1', ifVersion: 'v' })])
  expect(result).toMatchObject({ ref: 'a', status: outcome, error: { code } })
})

const unsafe = restManifest(
  `write: { create: { path: /things, body: "\${ values }", id: response.id } }`,
  'limits: { attempts: 3 }',
)
const lost: Record<string, Parameters<typeof serve>[0]> = {
  'an answer that never comes': (_asked, response) => void response.destroy(),
  'an answer cut in the middle': (_asked, response) => {
    response.writeHead(201, { 'content-type': 'application/json', 'content-length': '100' })
    response.write('{"id"')
    setTimeout(() => response.destroy(), 20)
    return undefined
  },
  'a success in HTML': () => ({ text: '<html>ok</html>', headers: { 'content-type': 'text/html' } }),
  'a success in broken JSON': () => ({ text: '{"id":', headers: { 'content-type': 'application/json' } }),
  'a success that names no id': () => ({ json: {} }),
  'a 500 without further word': () => ({ status: 500 }),
}
for (const [name, handler] of Object.entries(lost)) {
  test(`${name} leaves a create unknown, and it is sent once`, async () => {
    await using server = await serve(handler)
    const session = await open(unsafe, server)
    expect(told(await write(session, 'create', [item('a')]))).toEqual([['a', 'unknown', 'CSW-3012']])
    expect(server.asked).toHaveLength(1)
  })
}

test('with an idempotency key a create is sent again by itself', async () => {
  let calls = 0
  await using server = await serve(() => (++calls < 3 ? { status: 503 } : { json: { thing: { id: 1 } } }))
  const session = await open(single, server)
  expect(told(await write(session, 'create', [item('a')]))).toEqual([['a', 'written', '1']])
  expect(new Set(server.asked.map(({ headers }) => headers['idempotency-key']))).toEqual(new Set(['key-a']))
})

test('a system that cannot be reached has done nothing', async () => {
  const server = await serve(() => ({}))
  await server.close()
  const session = await open(unsafe, server)
  expect(told(await write(session, 'create', [item('a')]))).toEqual([['a', 'retry', 'CSW-3001']])
})

const batched = restManifest(`
  write:
    create:
      batch:
        size: 10
        path: /batch
        item: { trace: "\${ ref }", at: "\${ index }", properties: "\${ values }" }
        body: { inputs: "\${ items }" }
        results: response.results
        correlate: { result: result.trace, item: ref }
        failed: result.status = "error"
        again: result.status = "busy"
        id: result.id
        message: result.message
    update:
      batch:
        size: 10
        path: /update
        item: { id: "\${ id }", properties: "\${ values }" }
        body: { inputs: "\${ items }" }
        results: response
        missing: result.code = 404
        conflict: result.code = 412
        failed: $not(result.ok)
        message: result.error.text
    delete:
      path: /things/\${ id }
      batch: { size: 10, path: /delete, body: { ids: "\${ ids }" } }
`)

test('a batch with partial failure: each record has its own outcome, whatever the order of results', async () => {
  await using server = await serve(({ json }) => ({
    status: 207,
    json: {
      results: json.inputs
        .map(({ trace, at }: { trace: string; at: number }) =>
          at === 3
            ? { trace, status: 'error', message: 'name is taken' }
            : at === 5
              ? { trace, status: 'busy' }
              : { trace, status: 'ok', id: `id-${trace}` },
        )
        .filter((_: unknown, i: number) => i !== 7)
        .reverse(),
    },
  }))
  const session = await open(batched, server)
  const outcomes = await write(session, 'create', items(25))
  expect(server.asked.map(({ json }) => json.inputs.length).sort()).toEqual([10, 10, 5])
  expect(outcomes.map(({ ref }) => ref)).toEqual(items(25).map(({ ref }) => ref))
  const kinds = told(outcomes).map(([, status]) => status)
  expect(kinds.slice(0, 10)).toEqual([
    'written',
    'written',
    'written',
    'refused',
    'written',
    'retry',
    'written',
    'unknown',
    'written',
    'written',
  ])
  expect(outcomes[0]).toEqual({ ref: 'r1', status: 'written', id: 'id-r1' })
  expect(outcomes[3]).toMatchObject({
    status: 'refused',
    error: { code: 'CSW-3008', message: expect.stringContaining('name is taken') },
  })
})

test('results by position, with missing and conflicting records', async () => {
  await using server = await serve(() => ({
    json: [{ ok: true }, { ok: false, code: 404 }, { ok: false, code: 412 }, { ok: false, error: { text: 'bad zip' } }],
  }))
  const session = await open(batched, server)
  const outcomes = await write(
    session,
    'update',
    items(4, (n) => item(`r${n}`, { id: `i${n}` })),
  )
  expect(told(outcomes)).toEqual([
    ['r1', 'written', 'i1'],
    ['r2', 'missing', 'CSW-3009'],
    ['r3', 'conflict', 'CSW-3013'],
    ['r4', 'refused', 'CSW-3008'],
  ])
})

test('results by position that come in another order are told apart by the ids that they show', async () => {
  await using server = await serve(({ json }) => ({
    json: json.inputs
      .map(({ id }: { id: string }) =>
        id === 'id2' ? { ok: false, error: { text: 'name is taken' } } : { ok: true, id, version: `v-${id}` },
      )
      .reverse(),
  }))
  const manifest = batched.replace(/( +)results: response\n/, '$1results: response\n$1id: result.id\n')
  const session = await open(manifest, server)
  const outcomes = await write(
    session,
    'update',
    items(5, (n) => item(`r${n}`, { id: `id${n}` })),
  )
  // Of the refused one the answer shows no id: it may have been any that is not named.
  expect(told(outcomes)).toEqual([
    ['r1', 'written', 'id1'],
    ['r2', 'unknown', 'CSW-3012'],
    ['r3', 'written', 'id3'],
    ['r4', 'written', 'id4'],
    ['r5', 'written', 'id5'],
  ])
})

test('of records with one mark and a result each nobody says that they are the same record', async () => {
  await using server = await serve(({ json }) => ({
    json: {
      results: json.inputs.map(({ properties }: { properties: { name: string } }, i: number) => ({
        trace: properties.name.toLowerCase(),
        id: `id-${i}`,
      })),
    },
  }))
  const session = await open(batched.replace('item: ref }', 'item: $lowercase(values.name) }'), server)
  const names = ['Ann', 'ANN', 'Bob']
  const outcomes = await write(
    session,
    'create',
    items(3, (n) => item(`r${n}`, { values: { name: names[n - 1]! } })),
  )
  expect(told(outcomes)).toEqual([
    ['r1', 'unknown', 'CSW-3012'],
    ['r2', 'unknown', 'CSW-3012'],
    ['r3', 'written', 'id-2'],
  ])
})

test('results by position that are fewer than the records mean nothing: all are unknown', async () => {
  await using server = await serve(() => ({ json: [{ ok: true }] }))
  const session = await open(batched, server)
  expect(
    told(
      await write(
        session,
        'update',
        items(2, (n) => item(`r${n}`, { id: `i${n}` })),
      ),
    ).map(([, status]) => status),
  ).toEqual(['unknown', 'unknown'])
})

test('a batch without results has written all when it succeeds, and nothing when it is refused', async () => {
  let status = 204
  await using server = await serve(() => ({ status }))
  const session = await open(batched, server)
  const two = items(2, (n) => item(`r${n}`, { id: `i${n}` }))
  expect(told(await write(session, 'delete', two))).toEqual([
    ['r1', 'written', 'i1'],
    ['r2', 'written', 'i2'],
  ])
  expect(server.asked[0]).toMatchObject({ path: '/delete', json: { ids: ['i1', 'i2'] } })
  status = 403
  expect(told(await write(session, 'delete', two)).map(([, , code]) => code)).toEqual(['CSW-3004', 'CSW-3004'])
})

test('a lone record goes by the single call where there is one', async () => {
  await using server = await serve(() => ({ status: 204 }))
  const session = await open(batched, server)
  await write(session, 'delete', [item('a', { id: '1' })])
  expect(server.asked[0]!.path).toBe('/things/1')
})

test('a batch that is refused as a whole is split until the bad records stand alone', async () => {
  await using server = await serve(({ json }) =>
    json.inputs.some(({ properties }: { properties: { bad?: boolean } }) => properties.bad)
      ? { status: 422, json: { message: 'one row is bad' } }
      : { json: { results: json.inputs.map(({ trace }: { trace: string }) => ({ trace, id: trace, status: 'ok' })) } },
  )
  const session = await open(batched, server)
  const outcomes = await write(
    session,
    'create',
    items(10, (n) => item(`r${n}`, { values: n === 4 ? { bad: true } : {} })),
  )
  expect(told(outcomes).filter(([, status]) => status !== 'written')).toEqual([['r4', 'refused', 'CSW-3008']])
})

test.each([
  ['an object', (n: number) => ({ id: 'err-1', message: 'no', code: n })],
  ['a list of one error', () => [{ errorCode: 'JSON_PARSER_ERROR', message: 'no' }]],
  ['as many errors as records', (n: number) => Array.from({ length: n }, () => ({ id: 'err-1', message: 'no' }))],
  ['a text', () => 'no'],
  ['null', () => null],
  ['nothing', () => undefined],
])('the body of a refused batch is no result of a record: %s', async (_, bodyFor) => {
  const refusals = [
    [400, 'refused', 'CSW-3008'],
    [404, 'missing', 'CSW-3009'],
    [412, 'conflict', 'CSW-3013'],
    [403, 'retry', 'CSW-3004'],
  ] as const
  let status = 0
  let sent: string[][] = []
  let good = (id: string): unknown => id
  await using server = await serve(({ json }) => {
    const ids = json.inputs.map(({ id }: { id: string }) => id)
    sent.push(ids)
    const answer = bodyFor(ids.length)
    return ids.includes('i3') ? { status, ...(answer === undefined ? {} : { json: answer }) } : { json: ids.map(good) }
  })
  const list = items(5, (n) => item(`r${n}`, { id: `i${n}` }))
  for (const failed of ['failed: $not(result.ok)', 'failed: result.ok != true', 'id: result']) {
    const session = await open(batched.replace('failed: $not(result.ok)', failed), server)
    good = failed === 'id: result' ? (id) => id : (id) => ({ ok: true, id })
    for (const [answered, outcome, code] of refusals) {
      status = answered
      sent = []
      const whole = outcome === 'retry'
      expect(told(await write(session, 'update', list))).toEqual(
        list.map(({ ref, id }) => (whole || id === 'i3' ? [ref, outcome, code] : [ref, 'written', id])),
      )
      // A batch that may not be written is not cut up; else what is good goes once beside what was refused.
      if (whole) expect(sent).toEqual([['i1', 'i2', 'i3', 'i4', 'i5']])
      else expect(sent.filter((ids) => !ids.includes('i3')).flat()).toEqual(['i1', 'i2', 'i4', 'i5'])
    }
  }
})

test('a record that cannot be written down is refused by itself, the rest of its batch is sent', async () => {
  await using server = await serve(({ json }) => ({
    json: { results: json.inputs.map(({ at }: { at: number }) => ({ trace: at, id: `i${at}`, status: 'ok' })) },
  }))
  const manifest = batched
    .replace(`{ trace: "\${ ref }", at: "\${ index }"`, `{ at: "\${ index }", size: "\${ $number(values.size) }"`)
    .replace('item: ref }', 'item: index }')
  const session = await open(manifest, server)
  const outcomes = await write(
    session,
    'create',
    items(4, (n) => item(`r${n}`, { values: { size: n === 2 ? 'large' : '1' } })),
  )
  expect(told(outcomes)).toEqual([
    ['r1', 'written', 'i0'],
    ['r2', 'refused', 'CSW-2011'],
    ['r3', 'written', 'i1'],
    ['r4', 'written', 'i2'],
  ])
  expect(server.asked).toHaveLength(1)
})

test('a batch whose answer is lost is unknown for every record', async () => {
  await using server = await serve((_asked, response) => void response.destroy())
  const session = await open(batched, server)
  expect(told(await write(session, 'create', items(3))).map(([, status]) => status)).toEqual([
    'unknown',
    'unknown',
    'unknown',
  ])
})

test('failures in a list of their own, correlated by what they name', async () => {
  await using server = await serve(({ json }) => ({
    status: 207,
    json: {
      results: json.inputs.slice(2).map(({ email }: { email: string }) => ({ id: `id-${email}`, email })),
      errors: [{ context: { emails: ['a1', 'a2'] }, message: 'blocked' }],
    },
  }))
  const session = await open(
    restManifest(`
      write:
        create:
          batch:
            size: 10
            path: /batch
            body: { inputs: "\${ items }" }
            results: response.results
            errors: response.errors
            correlate: { result: result.email, error: error.context.emails, item: values.email }
            id: result.id
            error_message: error.message`),
    server,
  )
  const outcomes = await write(
    session,
    'create',
    items(3, (n) => item(`r${n}`, { values: { email: `a${n}` } })),
  )
  expect(told(outcomes)).toEqual([
    ['r1', 'refused', 'CSW-3008'],
    ['r2', 'refused', 'CSW-3008'],
    ['r3', 'written', 'id-a3'],
  ])
  expect(outcomes[0]).toMatchObject({ error: { message: expect.stringContaining('blocked') } })
})

test('an error that names no record of a batch without results is no success of any of them', async () => {
  let errors: object[] = [{ message: 'the index is being rebuilt' }]
  await using server = await serve(() => ({ status: 207, json: { errors } }))
  const session = await open(
    restManifest(`
      write:
        delete:
          batch:
            size: 10
            path: /batch/archive
            item: { id: "\${ id }" }
            body: { inputs: "\${ items }" }
            errors: response.errors
            correlate: { error: error.context.ids, item: id }`),
    server,
  )
  const remove = async () =>
    told(
      await write(
        session,
        'delete',
        items(2, (n) => item(`r${n}`, { id: `${n}` })),
      ),
    )
  expect(await remove()).toEqual([
    ['r1', 'unknown', 'CSW-3012'],
    ['r2', 'unknown', 'CSW-3012'],
  ])
  errors = [{ context: { ids: ['1'] }, message: 'locked' }]
  expect(await remove()).toEqual([
    ['r1', 'refused', 'CSW-3008'],
    ['r2', 'written', '2'],
  ])
})

test('batches run side by side, and never more than the limit', async () => {
  let running = 0
  let most = 0
  await using server = await serve(async ({ json }) => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setTimeout(resolve, 20))
    running--
    return {
      json: { results: json.inputs.map(({ trace }: { trace: string }) => ({ trace, id: trace, status: 'ok' })) },
    }
  })
  const session = await open(batched.replace('streams:', 'limits: { concurrent: 3 }\nstreams:'), server)
  const outcomes = await write(session, 'create', items(90))
  expect(outcomes.every(({ status }) => status === 'written')).toBe(true)
  expect(most).toBe(3)
})

test('whole records, cleared fields, forms, an id from the Location header', async () => {
  await using server = await serve(({ method }) =>
    method === 'POST' ? { status: 201, headers: { Location: '/things/a%2F1/?x=1' } } : { status: 204 },
  )
  const session = await open(
    restManifest(`
      write:
        create: { path: /things, body: "\${ values }", body_as: form, id_from_location: true, nulls: empty_text }
        update: { method: PUT, path: "/things/\${ id }", body: "\${ values }", partial: false, nulls: omit }`),
    server,
  )
  const values = { name: 'ü &', none: null, tags: ['a', 'b'], address: { city: 'Łódź' } }
  expect(told(await write(session, 'create', [item('a', { values })]))).toEqual([['a', 'written', 'a/1']])
  expect(server.asked[0]!.bytes.toString()).toBe(
    'name=%C3%BC+%26&none=&tags%5B0%5D=a&tags%5B1%5D=b&address%5Bcity%5D=%C5%81%C3%B3d%C5%BA',
  )
  await write(session, 'update', [
    item('b', { id: '1', known: { name: 'old', zip: '1', fax: '2' }, values: { name: 'new', fax: null } }),
  ])
  expect(server.asked[1]!.json).toEqual({ name: 'new', zip: '1' })
  expect(session.streams.get('things')!.abilities.partialUpdate).toBe(false)
})

test('the name `record` is the known record with the changes in it', async () => {
  await using server = await serve(() => ({ status: 204 }))
  const session = await open(
    restManifest(
      `write: { update: { path: "/things/\${ id }", body: { all: "\${ record }", was: "\${ known.name }" } } }`,
    ),
    server,
  )
  await write(session, 'update', [item('a', { id: '1', known: { name: 'old', zip: '1' }, values: { name: 'new' } })])
  expect(server.asked[0]!.json).toEqual({ all: { name: 'new', zip: '1' }, was: 'old' })
})

test('an operation or stream that is not declared is refused with a name', async () => {
  await using server = await serve(() => ({}))
  const session = await open(unsafe, server)
  await expect(write(session, 'delete', [item('a')])).rejects.toMatchObject({ code: 'CSW-2003' })
  await expect(session.write({ stream: 'thing', operation: 'create', items: [], signal })).rejects.toMatchObject({
    code: 'CSW-2002',
    fix: 'Did you mean "things"?',
  })
  expect(await write(session, 'create', [])).toEqual([])
})

test('a cancelled write tells what it knows', async () => {
  const controller = new AbortController()
  await using server = await serve(async () => {
    controller.abort()
    await new Promise((resolve) => setTimeout(resolve, 50))
    return { json: { id: 1 } }
  })
  const session = await open(unsafe, server)
  const outcomes = await session.write({
    stream: 'things',
    operation: 'create',
    items: [item('a')],
    signal: controller.signal,
  })
  expect(told(outcomes)).toEqual([['a', 'unknown', 'CSW-3012']])
})

/** The text differs from the values on purpose: what arrives tells which of them was sent. */
const twofold = (ref: string): WriteItem =>
  item(ref, { values: { email: 'parsed', n: 1 }, text: JsonText.from('{"email":"text","n":9223372036854775807}') })

test.each([
  ['item: "${ values }"', '[{"email":"text","n":9223372036854775807}]'],
  [
    'item: { properties: "${ values }", at: "${ index }" }',
    '[{"properties":{"email":"text","n":9223372036854775807},"at":0}]',
  ],
  ['item: { mail: "${ values.email }", all: "${ values }" }', '[{"mail":"parsed","all":{"email":"parsed","n":1}}]'],
  ['item: { names: "${ $keys(values) }" }', '[{"names":["email","n"]}]'],
  ['item: "${ $.values }"', '[{"email":"parsed","n":1}]'],
])('values go out as the text they are unless the manifest looks into them: %s', async (line, sent) => {
  await using server = await serve(() => ({ json: { results: [{ id: 1 }] } }))
  const manifest = restManifest(`
  write:
    create:
      batch: { size: 5, path: /batch, ${line}, body: { items: "\${ items }" }, results: response.results, id: result.id }
`)
  const session = await open(manifest, server)
  expect(told(await write(session, 'create', [twofold('a')]))).toEqual([['a', 'written', '1']])
  expect(server.asked.at(-1)!.bytes.toString()).toBe(`{"items":${sent}}`)
})

test('an upsert whose answer does not say the id looks the record up by its key', async () => {
  const people = [
    { id: 1, email: 'ann@x.y' },
    { id: 2, email: 'two@x.y' },
    { id: 3, email: 'two@x.y' },
  ]
  await using server = await serve(({ method, query, json }) => {
    if (method === 'GET') return { json: people.filter(({ email }) => email === query.get('email')) }
    if (json.email !== 'new@x.y') return { status: 204 }
    people.push({ id: 4, email: json.email })
    return { status: 201, json: { id: 4 } }
  })
  const manifest = (lookup: string) =>
    restManifest(`
    ${lookup}
    write:
      upsert: { key: [email], path: /people, body: "\${ values }", id: response.id, id_from_lookup: true }`)
  const session = await open(manifest(`lookup: { email: { path: /people, query: { email: "\${ value }" } } }`), server)
  const upsert = (email: string) => item(email, { key: { field: 'email', value: email }, values: { email } })
  expect(told(await write(session, 'upsert', ['new@x.y', 'ann@x.y', 'two@x.y', 'nobody@x.y'].map(upsert)))).toEqual([
    ['new@x.y', 'written', '4'],
    ['ann@x.y', 'written', '1'],
    ['two@x.y', 'unknown', 'CSW-3012'],
    ['nobody@x.y', 'unknown', 'CSW-3012'],
  ])
  expect(server.asked.filter(({ method }) => method === 'GET')).toHaveLength(3)
  expect(load(manifest('read: { path: / }')).findings.map(({ message }) => message)).toEqual([
    expect.stringContaining('nothing looks records up by email'),
  ])
})
