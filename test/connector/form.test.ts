import { expect, test } from 'vitest'
import { open, restManifest, signal } from './open.ts'
import { serve } from './server.ts'

test('a form nests with brackets: objects by name, lists by number', async () => {
  await using server = await serve(() => ({ json: { id: 'in_1' } }))
  const manifest = restManifest(
    `write: { create: { path: /invoices, body: "\${ values }", body_as: form, id: response.id } }`,
  )
  const session = await open(manifest, server)
  const values = {
    customer: 'c & d',
    lines: [{ price: { amount: 5 } }, { price: { amount: 7 } }],
    metadata: { 'a=b': true },
  }
  const [outcome] = await session.write({
    stream: 'things',
    operation: 'create',
    items: [{ ref: '1', values, idempotencyKey: 'k' }],
    signal,
  })
  expect(outcome).toMatchObject({ status: 'written', id: 'in_1' })
  const { bytes, headers } = server.asked[0]!
  expect(headers['content-type']).toBe('application/x-www-form-urlencoded')
  expect([...new URLSearchParams(bytes.toString())]).toEqual([
    ['customer', 'c & d'],
    ['lines[0][price][amount]', '5'],
    ['lines[1][price][amount]', '7'],
    ['metadata[a=b]', 'true'],
  ])
})
