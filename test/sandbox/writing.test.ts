import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Sandbox, startSandbox } from '../../sandbox/index.ts'
import { ANY_PORT, client } from './calls.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ ports: ANY_PORT })
})
afterAll(() => sandbox.stop())

test('crm: a batch of which one is refused answers 207 and names that one', async () => {
  const ask = await client(sandbox, 'crm')
  const taken = (await ask('GET', '/crm/v1/contacts?limit=1')).json.results[0]
  const inputs = [
    { traceId: 'a', properties: { lastName: 'Łąka', email: 'laka@postbox.example' } },
    { traceId: 'b', properties: { lastName: 'Zwei', email: taken.email.toUpperCase() } },
    { traceId: 'c', properties: { lastName: 'Drei', favouriteColour: 'grün' } },
    { traceId: 'd', properties: { lastName: 'Vier', lifecycleStage: 'customer' } },
  ]
  const reply = await ask('POST', '/crm/v1/contacts/batch/create', { inputs })
  expect(reply.status).toBe(207)
  expect(reply.json.results.map((one: { traceId: string }) => one.traceId)).toEqual(['a', 'd'])
  expect(reply.json.errors.map((one: { context: unknown; category: string }) => [one.context, one.category])).toEqual([
    [{ index: ['1'], traceId: ['b'] }, 'CONFLICT'],
    [{ index: ['2'], traceId: ['c'] }, 'VALIDATION_ERROR'],
  ])
  expect(reply.json.errors[0].existingId).toBe(taken.id)
  expect((await ask('POST', '/crm/v1/contacts/batch/create', { inputs: Array(101).fill(inputs[0]) })).status).toBe(400)
})

test('crm: upsert by a unique field creates once and then updates; nothing changed means no new time', async () => {
  const ask = await client(sandbox, 'crm')
  const upsert = async (subject: string) => {
    const inputs = [{ id: 'ticket-1', idProperty: 'externalId', properties: { type: 'ticket', subject } }]
    return (await ask('POST', '/crm/v1/activities/batch/upsert', { inputs })).json.results[0]
  }
  const first = await upsert('Neu')
  const second = await upsert('Neu')
  const third = await upsert('Anders')
  expect([first.new, second.new, third.new]).toEqual([true, false, false])
  expect([second.id, third.id]).toEqual([first.id, first.id])
  expect(second.updatedAt).toBe(first.updatedAt)
  expect(third.subject).toBe('Anders')
})

test('helpdesk: 422 lists every field that is wrong', async () => {
  const ask = await client(sandbox, 'helpdesk')
  const reply = await ask('POST', '/api/v2/agents', { agent: { name: 'Jörg', email: 'not an address', role: 'boss' } })
  expect(reply.status).toBe(422)
  expect(reply.json.errors.map(({ field, code }: { field: string; code: string }) => [field, code])).toEqual([
    ['email', 'invalid_email'],
    ['role', 'invalid_option'],
  ])
  const person = { name: 'Jörg', email: 'joerg@wislana-soehne.example', role: 'agent' }
  const created = await ask('POST', '/api/v2/agents', { agent: person })
  expect(created.status).toBe(201)
  const again = await ask('POST', '/api/v2/agents', { agent: person })
  expect(again.json.errors[0]).toMatchObject({ field: 'email', code: 'duplicate_value' })
})

test('helpdesk: a safe update with an old stamp is refused', async () => {
  const ask = await client(sandbox, 'helpdesk')
  const open = (await ask('GET', '/api/v2/tickets?per_page=100')).json.tickets.find(
    (one: { status: string }) => one.status === 'open',
  )
  const ticket = { priority: 'low', safe_update: true, updated_stamp: open.updated_at }
  expect((await ask('PUT', `/api/v2/tickets/${open.id}`, { ticket })).status).toBe(200)
  expect((await ask('PUT', `/api/v2/tickets/${open.id}`, { ticket })).status).toBe(409)
})

const customer = { name: 'Søren ASCII-los', kind: 'person', country: 'DE', paymentTerms: 'N30', currency: 'EUR' }

test('erp: PUT takes the whole record, PATCH only what changes', async () => {
  const ask = await client(sandbox, 'erp')
  const { json: created } = await ask('POST', '/api/customers', { ...customer, city: 'Köln', creditLimit: '100.10' })
  const patched = await ask('PATCH', `/api/customers/${created.id}`, { city: 'Bonn' })
  expect(patched.json).toMatchObject({ name: customer.name, city: 'Bonn', creditLimit: '100.10' })
  const incomplete = await ask('PUT', `/api/customers/${created.id}`, { name: 'Only a name' })
  expect(incomplete.status).toBe(422)
  expect(incomplete.json.error.details.map((one: { target: string }) => one.target)).toContain('country')
  const replaced = (await ask('PUT', `/api/customers/${created.id}`, customer)).json
  expect([replaced.city, replaced.creditLimit, replaced.number]).toEqual([undefined, '0.00', created.number])
})

test('erp: a stale ETag, a bad option, a number for a decimal and a duplicate are refused', async () => {
  const ask = await client(sandbox, 'erp')
  const created = await ask('POST', '/api/customers', { ...customer, externalRef: 'crm-1' })
  const path = `/api/customers/${created.json.id}`
  const tag = created.headers.get('etag')!
  expect((await ask('PATCH', path, { city: 'Ulm' }, { 'if-match': tag })).status).toBe(200)
  expect((await ask('PATCH', path, { city: 'Hof' }, { 'if-match': tag })).status).toBe(412)
  const wrong = await ask('PATCH', path, { paymentTerms: 'N31', creditLimit: 5 })
  expect(wrong.json.error.details.map((one: { code: string }) => one.code)).toEqual(['INVALID_OPTION', 'INVALID_TYPE'])
  const duplicate = await ask('POST', '/api/customers', { ...customer, externalRef: 'CRM-1' })
  expect(duplicate.status).toBe(409)
  expect(duplicate.json.error.existing).toEqual({ id: created.json.id, number: created.json.number })
})

test('erp: a batch answers by position, each with its own status', async () => {
  const ask = await client(sandbox, 'erp')
  const requests = [
    { method: 'POST', path: '/api/customers', body: { ...customer, externalRef: 'b-1' } },
    { method: 'POST', path: '/api/customers', body: { name: 'No country' } },
    { method: 'PATCH', path: '/api/customers/999999', body: { city: 'X' } },
    { method: 'POST', path: '/api/customers', body: { ...customer, externalRef: 'b-1' } },
  ]
  const { json } = await ask('POST', '/api/batch', { requests })
  expect(json.responses.map((one: { status: number }) => one.status)).toEqual([201, 422, 404, 409])
  expect(json.responses[3].body.error.existing.id).toBe(json.responses[0].body.id)
})

test('erp: amounts follow from the lines, to the cent', async () => {
  const ask = await client(sandbox, 'erp')
  const buyer = (await ask('GET', '/api/customers?limit=1')).json.value[0]
  const line = { product: 'P-00501', description: 'Śruba', quantity: '3.125', unitPrice: '19.99', vatRate: '23' }
  const days = { invoiceDate: '01.02.2026', dueDate: '03.03.2026' }
  const head = { customer: buyer.number, currency: 'PLN', ...days }
  const { json } = await ask('POST', '/api/invoices', { ...head, lines: [{ line: 10, ...line }] })
  // 3.125 × 19.99 = 62.46875 → 62.47; 23 % of it = 14.3681 → 14.37
  expect([json.net, json.vat, json.gross]).toEqual(['62.47', '14.37', '76.84'])
  const page = await ask('GET', `/api/invoices/${json.id}/document`)
  expect(page.headers.get('content-type')).toContain('text/html')
  expect(page.text).toContain('<strong>Brutto 76.84 PLN</strong>')
})

test('hrm: ids beyond 2^53 arrive digit by digit, in answers and in requests', async () => {
  const ask = await client(sandbox, 'hrm')
  const [first, second] = await sandbox.hrm.door.records<{ id: string }>('employees')
  expect(Number.isSafeInteger(Number(second!.id))).toBe(false)
  const body = Buffer.from(`{"manager_id":${first!.id},"weekly_hours":37.5,"nickname":"ignored"}`)
  const reply = await ask('PATCH', `/v2/employees/${second!.id}`, body)
  expect(reply.text).toContain(`"id":${second!.id},`)
  expect(reply.text).toContain(`"manager_id":${first!.id},`)
  expect(reply.text).toContain('"weekly_hours":37.50,')
})

test('hrm: a past date of termination makes an employee one who left', async () => {
  const ask = await client(sandbox, 'hrm')
  const one = (await sandbox.hrm.door.records('employees')).find((row) => row.status === 'active')!
  const reply = await ask('PATCH', `/v2/employees/${one.id}`, { termination_date: '2026-01-31' })
  expect([reply.json.data.status, reply.json.data.termination_date]).toEqual(['left', '2026-01-31'])
  expect((await ask('PATCH', `/v2/employees/${one.id}`, { work_email: 'new@wislana-soehne.example' })).status).toBe(422)
})

test('directory: users are found by filter, patched by operations, and unique', async () => {
  const ask = await client(sandbox, 'directory')
  const body = { userName: 'zoë@wislana-soehne.example', externalId: '1152921504606851097', name: { givenName: 'Zoë' } }
  const created = await ask('POST', '/scim/v2/Users', body)
  expect(created.status).toBe(201)
  const found = await ask(
    'GET',
    `/scim/v2/Users?filter=${encodeURIComponent('externalId eq "1152921504606851097" or externalId eq "x"')}`,
  )
  expect(found.json.Resources.map((one: { id: string }) => one.id)).toEqual([created.json.id])
  const operations = {
    Operations: [
      { op: 'Replace', value: { active: false } },
      { op: 'add', path: 'name.familyName', value: 'Ö' },
    ],
  }
  const patched = await ask('PATCH', `/scim/v2/Users/${created.json.id}`, operations, {
    'if-match': created.headers.get('etag')!,
  })
  expect([patched.json.active, patched.json.name]).toEqual([false, { givenName: 'Zoë', familyName: 'Ö' }])
  const again = await ask('POST', '/scim/v2/Users', body)
  expect([again.status, again.json.scimType]).toEqual([409, 'uniqueness'])
})
