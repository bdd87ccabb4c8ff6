import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { CausewayError } from '../../../src/core/index.ts'
import { TOKEN } from '../../http/hub.ts'
import { hasBrowser, type Site, startSite, useSite } from '../browser.ts'
import { addLetter, BIG_BODY, fillHub, type Lively } from '../lively-hub.ts'

const PASSWORD = 'a long enough password'
/** Nobody is there: the page only shows the way to it. */
const PROVIDER = {
  issuer: 'http://127.0.0.1:1',
  clientId: 'causeway',
  clientSecret: null,
  label: 'Example SSO',
  scopes: 'openid',
  roleClaim: 'groups',
  roles: 'admins=admin',
  allow: null,
  publicUrl: 'http://hub.example.org',
}

describe.skipIf(!hasBrowser)('using the page', () => {
  let site: Site
  let ids: Lively

  useSite(async () => {
    site = await startSite({ provider: PROVIDER })
    ids = await fillHub(site.hub.pool)
    return site
  })

  const stateOf = async (table: string, where: string): Promise<string[]> =>
    (await site.hub.pool.query<{ state: string }>(`select state from ${table} where ${where} order by id`)).rows.map(
      ({ state }) => state,
    )

  test('the token is asked for, kept in the tab only, and never part of an address', async () => {
    const page = await site.open('/runs?outcome=failed', { signedIn: false })
    const addresses: string[] = []
    page.on('request', (request) => addresses.push(request.url()))
    await page.getByLabel('Admin token').fill('wrong-token')
    await page.keyboard.press('Enter')
    await page.getByText('CSW-8001').waitFor()
    await page.getByLabel('Admin token').fill(TOKEN)
    await page.keyboard.press('Enter')
    // The address asked for is the one that is shown.
    await page.getByText('crm.example.org does not answer.').waitFor()
    expect(addresses.filter((address) => address.includes(TOKEN))).toEqual([])
    expect(await page.evaluate('JSON.stringify(localStorage) + document.cookie')).not.toContain(TOKEN)
    await expect.poll(() => page.evaluate('sessionStorage.length')).toBe(1)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Admin token').waitFor()
    await expect.poll(() => page.evaluate('sessionStorage.length')).toBe(0)
  })

  test('a person signs in with a password, stays in over tabs and reloads, and signing out ends the session', async () => {
    await site.hub.post('/api/v1/users', { name: 'ada', role: 'operator', password: PASSWORD })
    const page = await site.open('/runs?outcome=failed', { signedIn: false })
    const way = page.getByRole('link', { name: 'Sign in with Example SSO' })
    await expect.poll(() => way.getAttribute('href')).toBe('/api/v1/login/provider')
    await page.getByLabel('User name').fill('ada')
    const password = page.locator('input[autocomplete=current-password]')
    await password.fill('wrong')
    await page.keyboard.press('Enter')
    await page.getByText('CSW-8013').waitFor()
    await password.fill(PASSWORD)
    await page.keyboard.press('Enter')
    await page.getByText('crm.example.org does not answer.').waitFor()
    await page.getByText('ada · operator', { exact: true }).waitFor()
    // The cookie is none that a script could read, and nothing of it is kept elsewhere.
    await expect
      .poll(() => page.evaluate('document.cookie + sessionStorage.length + localStorage.length'))
      .toMatch(/^0\d$/)
    await page.reload()
    await page.getByText('crm.example.org does not answer.').waitFor()
    const second = await page.context().newPage()
    await second.goto(`${site.hub.url}/syncs`)
    await second.getByText('ada · operator', { exact: true }).waitFor()

    // The hub takes no change by cookie without the proof that it comes from the page: signing out carries it.
    await second.getByRole('button', { name: 'Sign out' }).click()
    await second.getByLabel('User name').waitFor()
    const sessions = async () => (await site.hub.pool.query('select count(*)::int as n from user_session')).rows
    await expect.poll(sessions).toEqual([{ n: 0 }])
    await page.reload()
    await page.getByLabel('User name').waitFor()
    expect(page.complaints).toEqual([])
  })

  test('a token that is refused later leads back to the sign-in', async () => {
    const page = await site.open('/', { signedIn: false })
    await page.evaluate(`sessionStorage.setItem('causeway.admin-token', 'old-token')`)
    await page.reload()
    await page.getByText('The token is not one of this hub, or has ended.').waitFor()
    await expect.poll(() => page.evaluate('sessionStorage.length')).toBe(0)
  })

  test('filters stand in the address; reload and back restore them', async () => {
    const page = await site.open('/runs')
    const rows = page.getByRole('region', { name: 'Runs' }).locator('tbody tr')
    await rows.nth(2).waitFor()
    await page.getByLabel('Outcome').selectOption('failed')
    await expect.poll(() => rows.count()).toBe(1)
    await expect.poll(() => page.url()).toContain('outcome=failed')
    await page.getByLabel('Sync').fill('nobody')
    await page.keyboard.press('Enter')
    await page.getByText('Nothing matches the filter.').waitFor()
    await page.reload()
    await page.getByText('Nothing matches the filter.').waitFor()
    await expect.poll(() => page.getByLabel('Outcome').inputValue()).toBe('failed')
    await page.getByRole('button', { name: 'Clear the filter' }).click()
    await rows.nth(2).waitFor()
    await page.getByRole('link', { name: 'Queues' }).click()
    await page.getByRole('heading', { name: 'Queues', level: 1 }).waitFor()
    await page.goBack()
    await rows.nth(2).waitFor()
  })

  test('times are those of the browser, of logs or of any zone, said with their offset, and a link keeps the choice', async () => {
    const page = await site.open('/runs?since=2026-03-02T11:00:00.000Z', { own: true, timezoneId: 'Asia/Kolkata' })
    const since = page.getByLabel('Since')
    await expect.poll(() => since.inputValue()).toBe('2026-03-02T16:30')
    const started = page.getByRole('region', { name: 'Runs' }).locator('tbody tr time').first()
    await expect.poll(() => started.getAttribute('title')).toContain('UTC+05:30')
    const local = await started.textContent()
    await page.getByRole('button', { name: 'Local time' }).click()
    const zone = page.getByRole('dialog').getByRole('combobox')
    await zone.selectOption('America/St_Johns')
    await expect.poll(() => started.getAttribute('title')).toMatch(/UTC−0[23]:30/)
    await expect.poll(() => page.locator('[type=datetime-local]').first().inputValue()).toBe('2026-03-02T07:30')
    await zone.selectOption('utc')
    await page.getByRole('button', { name: 'Close' }).click()
    await page.getByRole('button', { name: 'UTC', exact: true }).waitFor()
    await expect.poll(() => started.textContent()).not.toBe(local)
    await expect.poll(() => started.getAttribute('title')).toContain('UTC+00:00')
    await expect.poll(() => since.inputValue()).toBe('2026-03-02T11:00')
    await since.fill('2026-03-02T12:00')
    await expect.poll(() => page.url()).toContain('since=2026-03-02T12%3A00%3A00.000Z')
    await expect.poll(() => page.url()).toContain('zone=utc')
    await page.evaluate('localStorage.clear()')
    await page.reload()
    await page.getByRole('button', { name: 'UTC', exact: true }).waitFor()
    expect(page.complaints).toEqual([])
  })

  test('numbers of a record are shown to the last digit, keys in their order, doubles twice', async () => {
    const page = await site.open('/record?stream=crm:contacts&id=c1')
    const body = page.getByRole('region', { name: 'Body as received' })
    for (const exact of ['9223372036854775807', '0.10,', '1e400'])
      await expect.poll(() => body.textContent()).toContain(exact)
    await expect
      .poll(() => body.textContent())
      .toMatch(/"10": "ten",\s+"9": "nine",\s+"name": "Ada",\s+"name": "Ada Lovelace"/)
    const main = page.locator('main')
    await expect.poll(() => main.textContent()).toMatch(/delivered[\s\S]*4711/)
    await page.locator('.journal summary').click()
    await expect
      .poll(() => page.getByRole('region', { name: 'What went in' }).textContent())
      .toContain('9223372036854775807')
    await page.getByRole('link', { name: '4711' }).click()
    await page.getByText('only a link, a delivery or a dead letter knows this id').waitFor()
  })

  test('a record is found from any page by its key', async () => {
    const page = await site.open('/queues')
    await page.getByLabel('Find a record by id').fill('ada@example.org')
    await page.keyboard.press('Enter')
    const row = page.getByRole('region', { name: 'Records found' }).locator('tbody tr')
    await row.waitFor()
    await expect.poll(() => row.textContent()).toMatch(/c1[\s\S]*crm:contacts[\s\S]*email[\s\S]*present/)
  })

  test('all dead letters of a filter are requeued after a count, and only what was counted', async () => {
    const page = await site.open('/dead-letters?code=CSW-3008')
    await page.getByRole('button', { name: 'Requeue all of these…' }).click()
    await page.getByRole('button', { name: 'Requeue 3' }).waitFor()
    await expect.poll(() => page.getByRole('dialog').textContent()).toMatch(/3 open dead letters match[\s\S]*CSW-3008/)
    // Somebody else closes one of them meanwhile: the selection is another one now.
    await site.hub.pool.query(`update dead_letter set state = 'resolved' where id = $1`, [ids.deadLetters[0]])
    await page.getByRole('button', { name: 'Requeue 3' }).click()
    await page.getByText('CSW-8007').waitFor()
    expect(await stateOf('dead_letter', `code = 'CSW-3008'`)).toEqual(['resolved', 'open', 'open'])
    await page.getByRole('button', { name: 'Count again' }).click()
    await page.getByRole('button', { name: 'Requeue 2' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    const actions = page.getByRole('region', { name: 'Bulk actions' })
    // The count is full before the action is told to be done: both are waited for together.
    await expect
      .poll(() => actions.textContent(), { timeout: 20_000 })
      .toMatch(/Requeue dead letters[\s\S]*by admin[\s\S]*done[\s\S]*2 of 2/)
    await expect.poll(() => stateOf('dead_letter', `code = 'CSW-3008'`)).toEqual(['resolved', 'requeued', 'requeued'])
    expect(await stateOf('dead_letter', `code = 'CSW-5004'`)).toEqual(['open'])
    await page.getByText('Nothing matches the filter.').waitFor()
  })

  test('one dead letter is discarded with a reason, by keyboard alone', async () => {
    const id = ids.deadLetters[3]
    const page = await site.open(`/dead-letter?id=${id}`)
    const letter = page.locator('main').filter({ hasText: 'What happened' })
    for (const words of [
      'Why',
      'What to do',
      'vat_number',
      'mappings/contacts-to-erp.yaml:12:7',
      'https://erp.example.org',
    ])
      await expect.poll(() => letter.textContent()).toContain(words)
    await page.getByRole('button', { name: 'Discard…' }).focus()
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog')
    await dialog.waitFor()
    await expect.poll(() => dialog.getByRole('button', { name: 'Discard' }).isDisabled()).toBe(true)
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await expect.poll(() => page.evaluate('document.activeElement?.textContent.slice(0, 20)')).toBe('Discard…')
    await page.keyboard.press('Enter')
    await dialog.getByLabel('Why').fill('A test record')
    // A button that is still disabled is passed over by the key.
    await expect.poll(() => dialog.getByRole('button', { name: 'Discard' }).isEnabled()).toBe(true)
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await dialog.waitFor({ state: 'detached' })
    await expect.poll(() => stateOf('dead_letter', `id = ${id}`)).toEqual(['discarded'])
    await page.getByText('A test record').waitFor()
  })

  test('a record is corrected and tried again, what is not touched to the last digit; somebody looks after it', async () => {
    const { pool } = site.hub
    const id = await addLetter(pool, ids, 'c1', 7)
    const page = await site.open(`/dead-letter?id=${id}`)
    await page.getByRole('button', { name: 'Assign…' }).click()
    await page.getByLabel('Whose').fill('Ada')
    await page.getByLabel('Note').fill('Asked the customer')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Asked the customer').waitFor()
    await page.locator('.journal summary').first().waitFor()
    await page.getByRole('button', { name: 'Correct…' }).click()
    const dialog = page.getByRole('dialog')
    const field = dialog.getByLabel('Record')
    await expect.poll(() => field.inputValue()).toContain('"id": 9223372036854775807')
    const text = await field.inputValue()
    const send = dialog.getByRole('button', { name: 'Try again' })
    await field.fill('{ "id": 9, ')
    await dialog.locator('button:disabled', { hasText: 'Try again' }).waitFor()
    await field.fill(text.replace('"none": null', '"none": 0.10'))
    await dialog.getByLabel('Why').fill('Typed wrong')
    await send.click()
    await dialog.waitFor({ state: 'detached' })
    const corrected = async (): Promise<string | undefined> =>
      (await pool.query<{ body: string }>(`select body from correction where record_id = 'c1'`)).rows[0]?.body
    await expect
      .poll(async () => (await corrected())?.replaceAll(/\s/g, ''))
      .toBe(BIG_BODY.replace('"none":null', '"none":0.10').replaceAll(/\s/g, ''))
    await page.goto(`${site.hub.url}/dead-letters?assignee=Ada`)
    const letters = page.getByRole('region', { name: 'Dead letters' }).locator('tbody tr')
    await letters.filter({ hasText: 'Ada' }).waitFor()
    await expect.poll(() => letters.count()).toBe(1)
  })

  test('a sync is paused with a reason, resumed and run', async () => {
    const page = await site.open('/syncs')
    await page.getByRole('button', { name: 'Pause contacts-to-erp' }).click()
    await page.getByRole('dialog').getByLabel('Why').fill('Stocktaking')
    await page.getByRole('button', { name: 'Pause', exact: true }).click()
    await page.getByRole('button', { name: 'Resume contacts-to-erp' }).waitFor()
    await expect.poll(() => stateOf('sync', `name = 'contacts-to-erp'`)).toEqual(['paused'])
    await expect
      .poll(() => site.hub.calls.at(-1))
      .toMatchObject(['sync paused', 'contacts-to-erp', { reason: 'Stocktaking' }])
    await page.getByRole('button', { name: 'Resume contacts-to-erp' }).click()
    await page.getByRole('button', { name: 'Pause contacts-to-erp' }).waitFor()
    await page.getByRole('button', { name: 'Run contacts-to-erp' }).click()
    await page.getByLabel('Read the source from the beginning').check()
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await page.getByText('The run you asked for').waitFor()
    await expect.poll(() => site.hub.calls.at(-1)).toMatchObject(['runSync', 'contacts-to-erp', { full: true }])
    await expect.poll(() => page.url()).toContain('request=request-1')
  })

  test('a connection is paused, resumed and probed step by step', async () => {
    const page = await site.open('/connection?name=crm')
    await page.getByRole('button', { name: 'Pause crm' }).click()
    await page.getByRole('button', { name: 'Pause', exact: true }).click()
    await page.getByRole('button', { name: 'Resume crm' }).click()
    await page.getByRole('button', { name: 'Pause crm' }).waitFor()
    await expect.poll(() => stateOf('connection', `name = 'crm'`)).toEqual(['active'])
    await page.getByRole('button', { name: 'Probe now' }).click()
    const steps = page.locator('.steps li')
    await steps.nth(1).waitFor()
    await expect
      .poll(() => steps.allTextContents())
      .toEqual([expect.stringContaining('resolved'), expect.stringContaining('CSW-3003')])
    await expect
      .poll(() => page.getByRole('region', { name: 'Settings' }).last().textContent())
      .toContain('"api_key": "***"')
  })

  test('what happens in the hub appears by itself', async () => {
    const page = await site.open('/runs?trigger=by-hand')
    await page.getByText('Nothing matches the filter.').waitFor()
    await site.hub.pool.query(
      `insert into run (kind, trigger, stream_id) select 'pull', 'by-hand', id from stream where name = 'contacts'`,
    )
    const row = page.getByRole('region', { name: 'Runs' }).locator('tbody tr')
    await row.filter({ hasText: 'running' }).waitFor()
    await site.hub.pool.query(
      `update run set outcome = 'success', finished_at = now(), counts = '{"read": 7}' where trigger = 'by-hand'`,
    )
    await row.filter({ hasText: 'success' }).waitFor()
    expect(page.complaints).toEqual([])
  })

  test('a page that is held or not seen asks for nothing', async () => {
    const page = await site.open('about:blank', { own: true })
    await page.clock.install()
    const questions: string[] = []
    page.on('request', (request) => questions.push(new URL(request.url()).pathname))
    const follows = (): Promise<void> => expect.poll(() => questions, { timeout: 60_000 }).toContain('/api/v1/feed')
    await page.goto(`${site.hub.url}/queues`)
    await page.getByRole('region', { name: 'Queues' }).waitFor()
    await follows()
    /** What was asked before the page was held may come late. */
    const quiet = async (): Promise<void> => {
      for (let asked = -1; asked !== questions.length; await page.waitForTimeout(500)) asked = questions.length
    }
    const asksWithin = async (ms: number): Promise<boolean> => {
      await quiet()
      questions.length = 0
      await page.clock.runFor(ms)
      await page.waitForTimeout(100)
      return questions.length > 0
    }
    const setVisibility = (state: 'visible' | 'hidden'): Promise<unknown> =>
      page.evaluate(`{
        Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true })
        Object.defineProperty(document, 'hidden', { value: ${state === 'hidden'}, configurable: true })
        document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))
      }`)
    await page.getByRole('button', { name: 'Live' }).click()
    expect(await asksWithin(60_000)).toBe(false)
    await page.getByRole('button', { name: 'Held' }).click()
    await follows()
    await setVisibility('hidden')
    expect(await asksWithin(60_000)).toBe(false)
    await setVisibility('visible')
    await follows()
  })
})

describe.skipIf(!hasBrowser)('an empty or failing hub', () => {
  let site: Site
  let broken = false

  useSite(async () => {
    site = await startSite({
      services: {
        schedules: () => {
          if (broken) throw new CausewayError('CSW-6001', { what: 'The database does not answer.' })
          return []
        },
      },
    })
    return site
  })

  test('lists that never had anything say what will be there', async () => {
    const page = await site.open('/')
    await page.getByText('Nothing is set up yet').waitFor()
    for (const [path, words] of [
      ['/syncs', 'No sync yet.'],
      ['/runs', 'Nothing has run yet.'],
      ['/queues', 'No queue yet.'],
      ['/dead-letters', 'No dead letter.'],
      ['/records', 'Looks into every stream'],
      ['/connections', 'No connection yet.'],
    ] as const) {
      await page.goto(site.hub.url + path)
      await page.getByText(words).waitFor()
      expect(await page.getByText('Nothing matches').count()).toBe(0)
    }
    await page.goto(`${site.hub.url}/records?key=nobody`)
    await page.getByText('Nothing matches the filter.').waitFor()
  })

  test('a list that waits shows grey bars, and only after a moment', async () => {
    const page = await site.open('/connections')
    await page.getByText('No connection yet.').waitFor()
    const held = Promise.withResolvers<void>()
    await page.route('**/api/v1/runs*', async (route) => {
      await held.promise
      await route.continue()
    })
    // A watcher in the page, because a busy machine may take longer than the moment to come and look.
    await page.evaluate(`{
      const since = performance.now()
      new MutationObserver(() => {
        if (document.querySelector('.loading')) globalThis.shownAfter ??= performance.now() - since
      }).observe(document.body, { childList: true, subtree: true })
      document.querySelector('a[href="/runs"]').click()
    }`)
    await page.locator('.loading').waitFor()
    expect(await page.evaluate<number>('globalThis.shownAfter')).toBeGreaterThanOrEqual(300)
    held.resolve()
    await page.getByText('Nothing has run yet.').waitFor()
  })

  test('an error shows code, advice and request id, the verdict is unknown, and the page heals by itself', async () => {
    broken = true
    const page = await site.open('/')
    await page.getByText('CSW-6001').waitFor()
    const trouble = page.getByRole('alert')
    await expect
      .poll(() => trouble.textContent())
      .toMatch(/The database does not answer\.[\s\S]*request [0-9a-f]{8}-[\s\S]*Try again/)
    // Held, or the page heals before the button is pressed.
    await page.getByRole('button', { name: 'Live', exact: true }).click()
    broken = false
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByText('Nothing is set up yet').waitFor()
    await page.getByRole('button', { name: 'Held', exact: true }).click()
    broken = true
    await page.getByText('Unknown: the hub cannot tell').waitFor()
    broken = false
    await page.getByText('Nothing is set up yet').waitFor()
  })

  /** A hub one can switch off: what stands between browser and hub, on a port of its own. */
  async function switchable(): Promise<{ url: string; off(): Promise<void>; on(): Promise<void> }> {
    let server: Server | undefined
    let port = 0
    const on = async (): Promise<void> => {
      server = createServer(async (request, response) => {
        const headers = Object.fromEntries(
          Object.entries(request.headers).filter(([name]) => name === 'authorization'),
        ) as Record<string, string>
        const answer = await fetch(site.hub.url + request.url, { headers })
        response.writeHead(answer.status, {
          'content-type': answer.headers.get('content-type') ?? '',
          ...(answer.headers.has('content-security-policy')
            ? { 'content-security-policy': answer.headers.get('content-security-policy') ?? '' }
            : {}),
        })
        response.end(Buffer.from(await answer.arrayBuffer()))
      })
      await new Promise<void>((done) => server?.listen(port, '127.0.0.1', done))
      port = (server.address() as AddressInfo).port
    }
    const off = (): Promise<void> =>
      new Promise((done) => {
        server?.close(() => done())
        server?.closeAllConnections()
      })
    await on()
    return { url: `http://127.0.0.1:${port}`, on, off }
  }

  test.for(['others', 'last-day'])('home stands where the hub gives no %s', { timeout: 120_000 }, async (part) => {
    const page = await site.open('about:blank', { own: true })
    let refused = 0
    await page.route(new RegExp(`/assets/${part}-.*\\.js$`), (route) => {
      refused++
      return route.abort()
    })
    await page.goto(`${site.hub.url}/`)
    await expect.poll(() => refused, { timeout: 30_000 }).toBeGreaterThan(0)
    await page.getByText('Nothing is set up yet').waitFor()
    // What comes later comes when the browser is idle, after three seconds at the latest.
    await page.waitForTimeout(5_000)
    expect(await page.getByText('Nothing is set up yet').count()).toBe(1)
  })

  test('a hub that is gone: the page says since when, keeps what it has, and heals by itself', async () => {
    const line = await switchable()
    const page = await site.open('/')
    await page.goto(`${line.url}/`)
    await page.getByText('Nothing is set up yet').waitFor()
    await line.off()
    await page.getByText('Unknown: the hub does not answer').waitFor()
    await expect.poll(() => page.locator('.banner').textContent()).toMatch(/has not answered since \d\d:\d\d:\d\d/)
    await page.getByRole('link', { name: 'Runs' }).click()
    await page.getByText('The hub does not answer.').waitFor()
    await line.on()
    await page.getByText('Nothing has run yet.').waitFor()
    await page.locator('.banner').waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'Home', exact: true }).click()
    await page.getByText('Nothing is set up yet').waitFor()
    await line.off()
    expect(page.complaints).toEqual([])
  }, 300_000)
})
