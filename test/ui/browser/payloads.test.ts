import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { entityServices } from '../../../src/assemble/entities.ts'
import { recordedIn } from '../../../src/assemble/recorded.ts'
import { CausewayError } from '../../../src/core/index.ts'
import { appendAudit } from '../../../src/store/index.ts'
import { openTwoSystems, personType, type TwoSystemsHub } from '../../identity/hub.ts'
import { one } from '../../pipeline/hub.ts'
import { freshDatabase } from '../../postgres.ts'
import { hasBrowser, type Site, startSite } from '../browser.ts'
import { PAYLOADS } from '../payloads.ts'

type Tab = Awaited<ReturnType<Site['open']>>

const type = personType()

/** Every second one is refused by the target, in words that are hostile too. */
const refused = (payload: string): boolean => PAYLOADS.indexOf(payload) % 2 === 1

/** Ids of more bytes are refused by the hub, whose letters keep the record. */
const stored = new Set(PAYLOADS.filter((payload) => Buffer.byteLength(payload) <= 1_000))

/** A hub whose source, target, webhooks, people and configuration are all hostile; pulled, mapped and pushed like any other. */
async function openHostileHub(): Promise<{ site: Site; systems: TwoSystemsHub }> {
  const systems = await openTwoSystems((await freshDatabase()).pool, {
    run: ({ firstName, email }) =>
      one({ name: String(firstName), mail: email ?? null, [String(firstName)]: firstName! }),
  })
  const { hub, crm, erp } = systems
  const write = erp.write.bind(erp)
  erp.write = async (request) => {
    const bad = (text: unknown): boolean => refused(String(text))
    const good = await write({ ...request, items: request.items.filter(({ values }) => !bad(values.name)) })
    const refusals = request.items
      .filter(({ values }) => bad(values.name))
      .map(({ ref, values: { name } }) => ({
        ref,
        status: 'refused' as const,
        error: new CausewayError('CSW-3008', { what: `No: ${name}`, fix: String(name), data: { said: String(name) } }),
      }))
    return [...good, ...refusals]
  }
  for (const [index, payload] of PAYLOADS.entries())
    crm.put('people', payload, {
      firstName: payload,
      lastName: `Nul\u0000 ${payload}`,
      email: `${payload}@postbox.example`,
      phone: `500 600 ${String(700 + index)}`,
      [payload]: { [payload]: [payload] },
    })
  // As much like somebody as not: pairs that a person is asked about.
  for (const payload of PAYLOADS.slice(0, 3)) erp.put('people', `e ${payload}`, { name: payload, mail: 'e@e.example' })
  await hub.pull('crm:people')
  await hub.pull('erp:people')
  await systems.match(type)
  await hub.skipWaits()
  for (let round = 0; round < 3; round++) await hub.push('to-erp')
  await addConfiguration(hub.pool)
  const site = await startSite({
    pool: hub.pool,
    services: {
      readiness: async () => [{ name: 'database', ok: false, detail: PAYLOADS[0]!, code: 'CSW-6001' }],
      entities: entityServices({
        pool: hub.pool,
        types: () => [type],
        model: hub.ports.model,
        recorded: recordedIn(hub.pool),
      }),
    },
  })
  await sendWebhooks(site)
  return { site, systems }
}

/** What files could not say (names of connections are narrow) but the ledger would show: older versions, other tools. */
async function addConfiguration(pool: Site['hub']['pool']): Promise<void> {
  for (const payload of PAYLOADS) {
    const { rows } = await pool.query<{ id: number }>(
      `insert into connection (name, connector, state, state_reason) values ($1, $1, 'needs_authorisation', $1) returning id`,
      [payload],
    )
    await pool.query(
      `with source as (insert into stream (connection_id, name) values ($1, $2) returning id)
       insert into sync (name, from_stream, to_stream, version, state, state_reason)
       select $2, id, id, $2, 'paused', $2 from source`,
      [rows[0]!.id, payload],
    )
    await pool.query(
      `insert into conflict (sync_id, from_id, to_id, field, side, base, from_value, to_value)
       select id, $1, $1, $1, 'to', $2, $2, $2 from sync where name = 'to-erp'`,
      [payload, JSON.stringify(payload)],
    )
    await appendAudit(pool, { actor: payload, action: payload, subject: payload, detail: { [payload]: payload } })
  }
}

async function sendWebhooks({ hub }: Site): Promise<void> {
  // Only what a header can carry; bodies take everything.
  const carried = PAYLOADS.map((payload) => payload.replaceAll(/[^\u0020-\u007e]/g, '?').slice(0, 500))
  for (const [index, payload] of PAYLOADS.entries())
    await fetch(`${hub.url}/hooks/crm`, {
      method: 'POST',
      headers: { 'x-signature': 'valid', 'x-event-id': carried[index]!, 'content-type': 'text/plain' },
      body: payload,
    })
  await fetch(`${hub.url}/hooks/${encodeURIComponent(PAYLOADS[0]!)}`, { method: 'POST', body: PAYLOADS[0]! })
}

describe.skipIf(!hasBrowser)('hostile texts in every place', () => {
  let site: Site
  let systems: TwoSystemsHub
  let page: Tab

  beforeAll(async () => {
    ;({ site, systems } = await openHostileHub())
    page = await site.open('/', { own: true })
    // Ways of running that leave no other trace.
    await page.addInitScript(`for (const name of ['alert', 'confirm', 'prompt', 'print', 'open'])
      globalThis[name] = () => { globalThis.hacked = 1 }
    addEventListener('securitypolicyviolation', (event) => console.error('policy: ' + event.violatedDirective))`)
    await page.reload()
  })
  afterAll(() => site?.close())

  /** Goes there as a link of the page does, which is quicker than loading it anew. */
  async function visit(path: string, words: string | RegExp): Promise<void> {
    await page.evaluate(
      `history.pushState(null, '', ${JSON.stringify(path)}); dispatchEvent(new PopStateEvent('popstate'))`,
    )
    await page.locator('main').getByText(words).filter({ visible: true }).first().waitFor()
    await expectUnharmed(path)
  }

  async function expectUnharmed(where: string): Promise<void> {
    const found = await page.evaluate(`({
      hacked: globalThis.hacked ?? null,
      address: location.origin,
      wide: document.documentElement.scrollWidth > innerWidth,
      title: document.title.includes('Causeway'),
      elements: [...document.querySelectorAll(
        'main :is(script, iframe, object, embed, base, meta, link, style, form[action], img, video, template, math)')].map((e) => e.outerHTML),
      handlers: [...document.querySelectorAll('*')].filter((e) => [...e.attributes].some(({ name }) => name.startsWith('on'))).length,
      links: [...document.querySelectorAll('a')].map((a) => new URL(a.getAttribute('href'), location.href)).filter((to) => to.origin !== location.origin).map(String),
    })`)
    expect(found, where).toEqual({
      hacked: null,
      address: site.hub.url,
      wide: false,
      title: true,
      elements: [],
      handlers: 0,
      links: [],
    })
    expect(page.complaints, where).toEqual([])
  }

  test('there are sixty of them, the hub took all that are not too long for an id, and the others are letters', async () => {
    expect(new Set(PAYLOADS).size).toBeGreaterThanOrEqual(60)
    const { rows } = await systems.hub.pool.query<{ id: string }>(
      `select id from record where id = any($1) order by id`,
      [PAYLOADS],
    )
    expect(new Set(rows.map(({ id }) => id))).toEqual(stored)
    const states = await systems.hub.states('to-erp')
    const bad = [...stored].filter(refused).length
    // Of some a person is asked whether the target has them already.
    const { delivered = 0, dead = 0, parked = 0, ...others } = states as Record<string, number>
    expect(others).toEqual({})
    expect(delivered + dead + parked).toBe(stored.size)
    expect(parked).toBeLessThanOrEqual(3)
    expect(dead).toBeGreaterThanOrEqual(bad - parked)
    const { rows: letters } = await systems.hub.pool.query('select count(*)::int as n from dead_letter')
    expect(letters).toEqual([{ n: dead + PAYLOADS.length - stored.size }])
  })

  const lists: [path: string, words: string | RegExp][] = [
    ['/', 'Waiting, late or stopped'],
    ['/landscape', 'The last 24 hours'],
    ['/syncs', 'paused'],
    ['/runs', 'push'],
    ['/queues', 'Queues'],
    ['/dead-letters', 'CSW-3008'],
    ['/reviews', 'crm:people'],
    ['/conflicts', 'to-erp'],
    ['/webhooks', '/hooks/crm'],
    ['/connections', 'needs authorisation'],
    ['/connectors', 'Demo CRM'],
    ['/changes', 'Plans that were applied'],
    ['/audit', 'Who did what'],
    ['/system', 'What must work'],
    ['/playground', 'Playground'],
  ]
  for (const width of [1280, 360])
    test(`lists, ${width} px`, async () => {
      await page.setViewportSize({ width, height: 800 })
      for (const [path, words] of lists) await visit(path, words)
    })

  test('every record, letter and thing by its own page, and the search for it', async () => {
    await page.setViewportSize({ width: 1280, height: 800 })
    for (const [index, payload] of PAYLOADS.entries()) {
      const name = encodeURIComponent(payload)
      if (stored.has(payload)) await visit(`/record?stream=crm:people&id=${name}`, 'As received')
      await visit(`/records?key=${name}`, stored.has(payload) ? 'present' : 'Nothing matches the filter.')
      const others: [path: string, words: string][] = [
        [`/connection?name=${name}`, 'needs authorisation'],
        [`/sync?name=${name}`, 'paused'],
        [`/runs?sync=${name}`, 'Nothing matches the filter.'],
        [`/entities?q=${name}`, 'Entities'],
      ]
      await visit(...others[index % others.length]!)
    }
    const { rows } = await systems.hub.pool.query<{ id: number }>('select id from dead_letter order by id')
    for (const { id } of rows) await visit(`/dead-letter?id=${id}`, 'What happened')
    const entities = await systems.hub.pool.query<{ id: number }>('select distinct entity_id as id from link limit 5')
    for (const { id } of entities.rows) await visit(`/entity?type=person&id=${id}`, 'Timeline')
  })

  test('names of people and tokens, also of the one who is signed in', async () => {
    const secrets: string[] = []
    for (const payload of PAYLOADS) {
      const made = await site.hub.post('/api/v1/tokens', { name: payload, role: 'admin' })
      // What no command line could name is refused, in words.
      if (made.status !== 400) secrets.push(((await made.json()) as { secret: string }).secret)
    }
    expect(secrets.length).toBeGreaterThan(0)
    page = await site.open('/audit', { signedIn: false })
    for (const secret of [secrets[0]!, secrets.at(-1)!]) {
      await page.getByLabel('Admin token').fill(secret)
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: 'Who did what' }).waitFor()
      await expectUnharmed('/audit')
      await page.getByRole('button', { name: 'Sign out' }).click()
    }
  })
})
