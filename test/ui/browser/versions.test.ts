/** Versions of the configuration on the page, over a real folder: what changed, line by line, and the way back. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seedHub } from '../../http/rows.ts'
import { mapping, type VersionedFolder, versionedFolder } from '../../versioned-folder.ts'
import { expectGoodLooks, hasBrowser, type Site, startSite, useSite } from '../browser.ts'

describe.skipIf(!hasBrowser)('versions of the configuration', () => {
  let home: string
  let site: Site
  let of: VersionedFolder

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'causeway-versions-page-'))
  })
  afterAll(() => rm(home, { recursive: true, force: true }))
  useSite(async () => {
    site = await startSite()
    await seedHub(site.hub.pool)
    of = await versionedFolder(site.hub, home)
    return site
  })

  const inForce = async () => {
    const { rows } = await site.hub.pool.query(
      'select how, actor, reason, back_to from configuration_version order by id desc limit 1',
    )
    return rows[0]
  }

  test('versions are listed with who, when and what; one shows its lines and files', async () => {
    const page = await site.open('/changes')
    const rows = page.getByRole('region', { name: 'Versions of the configuration' }).locator('tbody tr')
    await expect.poll(() => rows.count()).toBe(2)
    await expect
      .poll(() => rows.nth(0).textContent())
      .toMatch(/in force.*edit of files.*sync contacts changed.*sync more added/)
    await expect.poll(() => rows.nth(1).textContent()).toContain('start of the hub')
    await expectGoodLooks(page)
    await rows.nth(0).getByRole('link').click()
    const lines = page.getByRole('region', { name: 'Lines of mappings/contacts.yaml that differ' })
    await expect.poll(() => lines.locator('.removed').allTextContents()).toEqual(['-  name: lastName\n'])
    await expect.poll(() => lines.locator('.added').allTextContents()).toEqual(['+  name: firstName\n'])
    await page.getByRole('region', { name: 'Files', exact: true }).getByText('causeway.yaml').click()
    await expect
      .poll(() => page.getByRole('region', { name: 'Text of causeway.yaml' }).textContent())
      .toContain('connector: sample-crm')
    await expectGoodLooks(page)
    // The other way round, and in the address.
    await page.goto(`${site.hub.url}/version?id=${of.first}&against=in-force`)
    await expect.poll(() => lines.locator('.added').allTextContents()).toEqual(['+  name: firstName\n'])
  })

  test('going back shows what it means, removes only what was agreed to, and writes the files back', async () => {
    const page = await site.open(`/version?id=${of.first}`)
    await page.getByRole('button', { name: 'Go back to it…' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('2 files are written').waitFor()
    await expect
      .poll(() => dialog.locator('li').allTextContents())
      .toEqual([
        expect.stringMatching(/^synchronisation|^sync contacts changed/),
        expect.stringMatching(/^sync more removed/),
      ])
    await expect
      .poll(() =>
        dialog.getByRole('region', { name: 'Lines of mappings/contacts.yaml' }).locator('.added').allTextContents(),
      )
      .toEqual(['+  name: lastName\n'])
    await expectGoodLooks(page)
    const go = dialog.getByRole('button', { name: 'Go back', exact: true })
    expect(await go.isDisabled()).toBe(true)
    await dialog.getByLabel('These may be removed').check()
    await dialog.getByLabel('Why').fill('orders were doubled')
    await go.click()
    const first = page.getByRole('region', { name: 'Versions of the configuration' }).locator('tbody tr').nth(0)
    await expect
      .poll(() => first.textContent())
      .toMatch(new RegExp(`in force.*roll-back to ${of.first}.*orders were doubled`))
    expect(await readFile(of.at('mappings/contacts.yaml'), 'utf8')).toBe(mapping('contacts', 'lastName'))
    await expect(readFile(of.at('mappings/more.yaml'))).rejects.toThrow('ENOENT')
    expect(await inForce()).toEqual({
      how: 'roll_back',
      actor: 'admin',
      reason: 'orders were doubled',
      back_to: of.first,
    })
  })

  test('files that moved since the preview are named, and nothing is written; a secret in a file is no way back', async () => {
    of = await versionedFolder(site.hub, home)
    const before = await inForce()
    const page = await site.open(`/version?id=${of.first}`)
    await page.getByRole('button', { name: 'Go back to it…' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('These may be removed').check()
    const edited = mapping('contacts', 'email')
    await writeFile(of.at('mappings/contacts.yaml'), edited)
    await dialog.getByRole('button', { name: 'Go back', exact: true }).click()
    await dialog.getByText('Files are not as they were planned: mappings/contacts.yaml.').waitFor()
    expect(await readFile(of.at('mappings/contacts.yaml'), 'utf8')).toBe(edited)
    expect(await inForce()).toEqual(before)
    await dialog.getByRole('button', { name: 'Not now' }).click()
    await site.hub.pool.query(
      `update configuration_version_file set masked = true where version_id = $1 and path = 'causeway.yaml'`,
      [of.first],
    )
    await page.getByRole('button', { name: 'Go back to it…' }).click()
    await dialog.getByText('files with a secret in them: causeway.yaml').waitFor()
    expect(await dialog.getByRole('button', { name: 'Go back', exact: true }).isDisabled()).toBe(true)
  })
})
