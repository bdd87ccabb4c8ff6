import { describe, expect, test } from 'vitest'
import { expectGoodLooks, hasBrowser, type Site, startSite, useSite } from '../browser.ts'
import { fillHub } from '../lively-hub.ts'

describe.skipIf(!hasBrowser)('webhooks, connectors and authorisation', () => {
  let site: Site

  useSite(async () => {
    site = await startSite()
    await fillHub(site.hub.pool)
    const send = (eventId: string, signature: string, connection = 'crm') =>
      fetch(`${site.hub.url}/hooks/${connection}`, {
        method: 'POST',
        headers: { 'x-signature': signature, 'x-event-id': eventId, 'content-type': 'application/json' },
        body: '{"id":"c1"}',
      })
    for (const eventId of ['first', 'second', 'second', 'third']) await send(eventId, 'valid')
    for (const eventId of ['forged', 'forged']) expect((await send(eventId, 'wrong')).status).toBe(401)
    await site.hub.pool.query(
      `update inbox set state = case event_id when 'second' then 'dead' else 'done' end where event_id <> 'third'`,
    )
    return site
  })

  const pending = async (): Promise<string[]> =>
    (
      await site.hub.pool.query<{ id: string }>(
        `select event_id as id from inbox where state = 'pending' order by event_id`,
      )
    ).rows.map(({ id }) => id)

  test('what came in is counted by address, refusals with their cause, and each event says what became of it', async () => {
    const page = await site.open('/webhooks')
    const door = page.getByRole('region', { name: 'Webhooks by address' }).locator('tbody tr')
    await expect
      .poll(async () => (await door.locator('td').allTextContents()).slice(0, 5))
      .toEqual([
        '/hooks/crm',
        '3',
        '1',
        '0',
        expect.stringMatching(/^2 CSW-2010 the signature is not the one of the body[\s\S]*Compare the webhook secret/),
      ])
    const event = (id: string) => page.getByRole('region', { name: 'Events' }).locator('tbody tr', { hasText: id })
    await expect.poll(() => event('third').textContent()).toContain('under way')
    expect(await event('forged').count()).toBe(0)
    await expectGoodLooks(page)
    await event('second').getByRole('link', { name: 'dead' }).click()
    await page.getByRole('heading', { name: 'Dead letters', level: 1 }).waitFor()
    await expect.poll(() => page.url()).toMatch(/connection=crm&kind=inbox/)
  })

  test('events are replayed one by one, and by filter those that were counted', async () => {
    const page = await site.open('/webhooks?state=dead')
    await page.getByRole('button', { name: 'Replay… event' }).click()
    await page.getByRole('button', { name: 'Replay 1' }).click()
    await page.getByText('Nothing matches the filter.').waitFor()
    await expect.poll(() => pending()).toEqual(['second', 'third'])
    await page.getByRole('button', { name: 'Clear the filter' }).click()
    await page.getByRole('button', { name: 'Replay all of these…' }).click()
    // Two of the three are under way.
    await page.getByRole('button', { name: 'Replay 1' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await expect.poll(() => pending()).toEqual(['first', 'second', 'third'])
  })

  test('the sheet of a connector says what each stream can do', async () => {
    const page = await site.open('/connectors')
    await page.getByRole('link', { name: 'Demo CRM' }).click()
    const row = page.getByRole('region', { name: 'Abilities' }).locator('tbody tr')
    await row.waitFor()
    const heads = await page.getByRole('region', { name: 'Abilities' }).locator('th').allTextContents()
    const cells = await row.locator('td').allTextContents()
    const said = Object.fromEntries(heads.map((head, i) => [head, cells[i]]))
    expect(said).toMatchObject({ Deletions: 'tombstones', Update: 'by field', Upsert: 'no', 'Look-up': 'by email' })
    await page.getByText('Settings of a connection').click()
    await expect
      .poll(() => page.getByRole('region', { name: 'Settings of a connection' }).textContent())
      .toContain('base_url')
    await page.getByRole('link', { name: 'crm', exact: true }).waitFor()
    await expectGoodLooks(page)
  })

  test('a connection is authorised again by a person, and neither code nor verifier stays anywhere', async () => {
    const page = await site.open('/connection?name=helpdesk')
    const finished: unknown[] = []
    page.on('request', (request) => {
      if (request.url().endsWith('/login/finish')) finished.push(request.postDataJSON())
    })
    await page.route('https://login.example.com/**', (route) => {
      const back = new URL(route.request().url()).searchParams.get('redirect_uri')
      return route.fulfill({ status: 302, headers: { location: `${back}?code=the-code&state=s` } })
    })
    await page.getByRole('button', { name: 'Authorise again' }).click()
    await page.getByText('works again').waitFor()
    await expect
      .poll(() => finished)
      .toEqual([
        {
          pending: { state: 's', verifier: 'v', redirectUri: `${site.hub.url}/authorised` },
          parameters: { code: 'the-code', state: 's' },
        },
      ])
    await expect.poll(() => page.url()).toBe(`${site.hub.url}/authorised`)
    expect(await page.evaluate('JSON.stringify([{ ...sessionStorage }, { ...localStorage }])')).not.toContain(
      'verifier',
    )
    await page.reload()
    await page.getByText('This tab has begun no authorisation').waitFor()
    expect(finished).toHaveLength(1)
    expect(page.complaints).toEqual([])
  })
})
