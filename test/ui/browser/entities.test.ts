import { describe, expect, test } from 'vitest'
import { entityServices } from '../../../src/assemble/entities.ts'
import { recordedIn } from '../../../src/assemble/recorded.ts'
import { openTwoSystems, personText, personType, type TwoSystemsHub } from '../../identity/hub.ts'
import { freshDatabase } from '../../postgres.ts'
import { expectGoodLooks, hasBrowser, type Site, startSite, useSite } from '../browser.ts'

const type = personType(personText.replace('same: 8, different: 8', 'same: 8, different: 8, access: masked'))

describe.skipIf(!hasBrowser)('entities and conflicts', () => {
  let site: Site
  let systems: TwoSystemsHub
  const audited = async () =>
    (await systems.hub.pool.query<{ action: string }>('select action from audit order by id')).rows.map(
      ({ action }) => action,
    )

  useSite(async () => {
    systems = await openTwoSystems((await freshDatabase()).pool)
    const { hub, crm, erp } = systems
    site = await startSite({
      pool: hub.pool,
      services: {
        entities: entityServices({
          pool: hub.pool,
          types: () => [type],
          model: hub.ports.model,
          recorded: recordedIn(hub.pool),
        }),
      },
    })
    const ada = { firstName: 'Ada', lastName: 'Żółkiewska', phone: '500 600 700', birthDate: '1980-03-04' }
    crm.put('people', 'c1', { id: 'c1', ...ada, email: 'ada@postbox.example' })
    crm.put('people', 'c2', { id: 'c2', firstName: 'Jan', lastName: 'Kowal', email: 'jan@postbox.example' })
    crm.put('people', 'c3', { id: 'c3', firstName: 'Ewa', lastName: 'Lis', email: 'ewa@postbox.example' })
    erp.put('people', 'e1', { name: 'ZOLKIEWSKA ADA', mail: 'Ada@Postbox.example', born: '1980-03-04' })
    // As much like Jan as it is not: a person is asked.
    erp.put('people', 'e2', { name: 'Kowal Jan', mail: 'jk@elsewhere.example' })
    erp.put('people', 'e3', { name: 'Lis Ewa', mail: 'lis@elsewhere.example' })
    for (const stream of ['crm:people', 'erp:people']) await hub.pull(stream)
    await systems.match(type)
    await hub.pool.query(
      `insert into conflict (sync_id, from_id, to_id, field, side, base, from_value, to_value)
       select id, x, 'e' || x, f, 'to', '"old"', v, '"there"' from sync,
         (values ('c1', 'phone', '9223372036854775807'), ('c2', 'phone', '"here"'), ('c3', 'mail', '"here"')) t (x, f, v)
        where name = 'to-erp'`,
    )
    return site
  })

  const entityOf = async (record: string): Promise<number> =>
    (await systems.hub.pool.query<{ entity_id: number }>('select entity_id from link where record_id = $1', [record]))
      .rows[0]!.entity_id
  const openOnes = async (): Promise<string[]> =>
    (
      await systems.hub.pool.query<{ key: string }>(
        `select from_id || ' ' || field as key from conflict where state = 'open' order by id`,
      )
    ).rows.map(({ key }) => key)

  test('an entity is found by any key and shown with all its records, each value with its origin', async () => {
    const page = await site.open('/entities')
    await page.getByLabel('E-mail address, number, id').fill('+48 500600700')
    await page.keyboard.press('Enter')
    await page.getByRole('region', { name: 'Entities found' }).getByRole('link', { name: 'person' }).click()
    const table = page.getByRole('region', { name: 'Records side by side' })
    const row = (field: string) =>
      table.locator('tbody tr').filter({ has: page.locator(`td:first-child bdi:text-is("${field}")`) })
    await row('name').waitFor()
    await expect.poll(() => table.locator('thead').textContent()).toMatch(/crm:people c1[\s\S]*erp:people e1/)
    await expect
      .poll(() => row('name').textContent())
      .toMatch(/Ada Żółkiewskafrom crm:people c1Ada ŻółkiewskaZOLKIEWSKA ADA/)
    expect(await table.textContent()).not.toContain('1980-03-04')
    expect(await audited()).toEqual([])
    await page.getByRole('button', { name: 'Show masked values' }).click()
    await row('born').filter({ hasText: '1980-03-04' }).waitFor()
    await expect.poll(audited).toEqual(['entity.reveal'])
    // What was revealed is not part of the address.
    await page.reload()
    await row('born').filter({ hasText: 'masked' }).waitFor()
    expect(await table.textContent()).not.toContain('1980-03-04')
    await expectGoodLooks(page)
  })

  test('of two pairs in the queue one is made one entity and the other kept apart, each after a look at the consequence', async () => {
    const page = await site.open('/reviews')
    const review = (name: string) => page.locator('.reviews > li', { hasText: name })
    await review('Jan Kowal').waitFor()
    await expect.poll(() => review('Jan Kowal').textContent()).toMatch(/crm:people c2[\s\S]*erp:people e2[\s\S]*\+\d/)
    await expectGoodLooks(page)
    await review('Jan Kowal').getByRole('button', { name: 'The same…' }).click()
    await expect.poll(() => page.getByRole('dialog').textContent()).toContain('updates the record that is there')
    await page.getByRole('button', { name: 'Make them one' }).click()
    await review('Jan Kowal').waitFor({ state: 'detached' })
    await expect.poll(async () => (await entityOf('c2')) === (await entityOf('e2'))).toBe(true)
    await review('Ewa Lis').getByRole('button', { name: 'Two…' }).click()
    await page.getByRole('button', { name: 'Keep them apart' }).click()
    await page.getByText('Nothing to review.').waitFor()
    await expect.poll(async () => (await entityOf('c3')) === (await entityOf('e3'))).toBe(false)
    await page.getByLabel('State').selectOption('rejected')
    await review('Ewa Lis').waitFor()
    await expect.poll(() => page.url()).toContain('state=rejected')
  })

  test('entities are merged and split after a preview of what moves', async () => {
    const [ewa, lis] = [await entityOf('c3'), await entityOf('e3')]
    const page = await site.open(`/entity?type=person&id=${ewa}`)
    await page.getByRole('button', { name: 'Merge…' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Number of the other person').fill(String(lis))
    await dialog.getByText('1 record comes over').waitFor()
    await expect.poll(() => dialog.textContent()).toContain('erp:people e3')
    await dialog.getByRole('button', { name: 'Merge' }).click()
    await dialog.waitFor({ state: 'detached' })
    await expect.poll(() => entityOf('e3')).toBe(ewa)
    await page.getByRole('button', { name: 'Split…' }).click()
    const split = dialog.getByRole('button', { name: 'Split' })
    await expect.poll(() => split.isDisabled()).toBe(true)
    for (const record of ['crm:people c3', 'erp:people e3']) await dialog.getByLabel(record).check()
    await dialog.getByText('One record at least has to stay.').waitFor()
    await dialog.getByLabel('crm:people c3').uncheck()
    await split.click()
    await dialog.waitFor({ state: 'detached' })
    await expect.poll(() => entityOf('e3')).not.toBe(ewa)
    await expect.poll(async () => (await audited()).slice(-2)).toEqual(['entity.merge', 'entity.split'])
  })

  test('a conflict shows all three values to the digit and is decided alone, or with all that are alike', async () => {
    const page = await site.open('/conflicts')
    const row = (id: string) => page.locator('tr', { hasText: id })
    await row('c1 ↔').waitFor()
    await expect.poll(() => row('c1 ↔').textContent()).toMatch(/"old"9223372036854775807"there"/)
    await expectGoodLooks(page)
    await row('c3 ↔').getByRole('button', { name: 'Decide conflict' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('What wins').selectOption('value')
    await dialog.getByLabel('Value, as JSON').fill('9223372036854775807')
    await dialog.getByText('would not arrive digit by digit').waitFor()
    await dialog.getByLabel('Value, as JSON').fill('"both@postbox.example"')
    await dialog.getByRole('button', { name: 'Decide 1' }).click()
    await dialog.waitFor({ state: 'detached' })
    await expect.poll(() => openOnes()).toEqual(['c1 phone', 'c2 phone'])
    await row('c1 ↔').getByRole('button', { name: 'All like this' }).click()
    await dialog.getByText('2 open conflicts of phone in to-erp').waitFor()
    await dialog.getByLabel('What wins').selectOption('to')
    await dialog.getByLabel('Why').fill('The ERP knows phones')
    await dialog.getByRole('button', { name: 'Decide 2' }).click()
    await page.getByText('No conflict.').waitFor()
    const { rows } = await systems.hub.pool.query(`select field, decision, value, note from conflict order by id`)
    const toWins = { field: 'phone', decision: 'to', value: null, note: 'The ERP knows phones' }
    expect(rows).toEqual([
      toWins,
      toWins,
      { field: 'mail', decision: 'value', value: '"both@postbox.example"', note: null },
    ])
  })
})
