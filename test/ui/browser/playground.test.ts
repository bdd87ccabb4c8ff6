import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { expectGoodLooks, hasBrowser, type Site } from '../browser.ts'
import { openPlayground, SOURCE } from '../playground-site.ts'

describe.skipIf(!hasBrowser)('the playground', () => {
  let site: Site
  let close: () => Promise<void>

  beforeAll(async () => {
    ;({ site, close } = await openPlayground())
  })
  afterEach(() => site?.closeTabs())
  afterAll(() => close?.())

  const openOn = async (query: string) => {
    const page = await site.open(`/playground?sync=contacts${query}`)
    const editor = page.getByRole('textbox', { name: 'Mapping text' })
    await editor.waitFor()
    return { page, editor, output: page.getByRole('region', { name: 'Output', exact: true }) }
  }

  test('a record becomes output while one types; findings stand at their lines; the text outlives a reload', async () => {
    const { page, editor, output } = await openOn('')
    await page.getByLabel('Newest of the source').selectOption('c1')
    await output.filter({ hasText: 'ada@example.org' }).waitFor()
    await expect.poll(() => page.url()).toContain('record=c1')
    // Before anything is filled in: the way Playwright does it makes styled elements, which our policy refuses and reports.
    await expectGoodLooks(page)
    await editor.fill(SOURCE.replace('$lowercase(email)', '$uppercase(email)'))
    await output.filter({ hasText: 'ADA@EXAMPLE.ORG' }).waitFor()
    await page.getByText('1 of 1 fail').waitFor()
    await page.reload()
    await output.filter({ hasText: 'ADA@EXAMPLE.ORG' }).waitFor()
    await editor.fill(SOURCE.replace('$lowercase(email)', '$lowercas(email)'))
    await page.getByRole('list', { name: 'Findings' }).filter({ hasText: 'lowercas' }).waitFor()
    await expect.poll(() => page.getByRole('list', { name: 'Findings' }).textContent()).toMatch(/line 5:/)
    await page.getByText('The text is no mapping yet.').waitFor()
    await page.getByRole('button', { name: 'Back to the one that runs' }).click()
    await output.filter({ hasText: 'ada@example.org' }).waitFor()
    await page.getByText('1 pass', { exact: true }).waitFor()
  })

  test('pointing at a value marks its line and says what that read, with the keyboard too', async () => {
    const { page } = await openOn('&record=c1')
    const value = page.getByRole('list', { name: 'Which line wrote what' }).getByRole('button', { name: /^name/ })
    await value.hover()
    await page.locator('.cm-line.written-here', { hasText: 'firstName & ' }).waitFor()
    await expect
      .poll(() => page.locator('.explained').textContent())
      .toMatch(/firstName = "Ada"[\s\S]*lastName = "Lovelace"/)
    await page.getByLabel('Or any record').focus()
    await page.mouse.move(0, 0)
    await page.locator('.written-here').waitFor({ state: 'detached' })
    await value.focus()
    await page.locator('.cm-line.written-here', { hasText: 'firstName & ' }).waitFor()
  })

  test('typing and pasting make nothing that the policy refuses', async () => {
    // Playwright's `fill` does: it lets Chromium insert the lines, which gives them style attributes before the editor takes them out.
    const { page, editor } = await openOn('')
    await editor.press('Control+End')
    await page.keyboard.press('Enter')
    await page.keyboard.type('# typed')
    await page.locator('.cm-line', { hasText: '# typed' }).waitFor()
    await page.evaluate(`{
      const clipboardData = new DataTransfer()
      clipboardData.setData('text/plain', '\\n# pasted\\n# in two lines')
      clipboardData.setData('text/html', '<p style="color: red"># pasted</p>')
      document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
    }`)
    await page.locator('.cm-line', { hasText: '# in two lines' }).waitFor()
    expect(await page.locator('.cm-content [style*=color]').count()).toBe(0)
    expect(page.complaints).toEqual([])
    await page.getByRole('button', { name: 'Back to the one that runs' }).click()
  })

  test('fields and functions are completed from the systems of the sync', async () => {
    const { page, editor } = await openOn('')
    await editor.fill(SOURCE.replace('$lowercase(email)', '$lowerc'))
    // Behind what is to be completed: its line ends there.
    await page.locator('.cm-line', { hasText: '$lowerc' }).click()
    await page.keyboard.press('End')
    await page.keyboard.press('Control+Space')
    await page.getByRole('option', { name: /\$lowercase/ }).waitFor()
    // The editor takes no key for an answer in the first 75 ms of a list, so that nobody chooses what appeared under their fingers.
    await page.waitForTimeout(150)
    await page.keyboard.press('Enter')
    await page.locator('.cm-line', { hasText: 'email: $lowercase' }).waitFor()
  })

  test('a dead letter is tried as it was kept, to the digit; a mapping without end is stopped and the page lives', async () => {
    const { rows } = await site.hub.pool.query<{ id: number }>('select id from dead_letter')
    const page = await site.open(`/dead-letter?id=${rows[0]!.id}`)
    await page.getByRole('link', { name: 'Open in playground' }).click()
    const output = page.getByRole('region', { name: 'Output', exact: true })
    await output.filter({ hasText: '"name": "Dead 9223372036854775807"' }).waitFor()
    const editor = page.getByRole('textbox', { name: 'Mapping text' })
    await editor.fill(SOURCE.replace('$lowercase(email)', '$sum($map([1..9000000], function($n) { $n * $n }))'))
    await page.getByText('failed', { exact: true }).waitFor()
    await page
      .getByText(/CSW-40\d\d/)
      .first()
      .waitFor()
    await page.getByRole('button', { name: 'Back to the one that runs' }).click()
    await output.filter({ hasText: 'letter@example.org' }).waitFor()
  })

  test('a record becomes a test without anything personal in it', async () => {
    const { page } = await openOn('&record=c1')
    await page.getByRole('button', { name: 'Save as test' }).click()
    const saved = page.getByRole('region', { name: 'Saved test' })
    await saved.waitFor()
    await expect.poll(() => saved.textContent()).toMatch(/^- name: saved from a record on/)
    const text = await saved.textContent()
    for (const personal of ['ADA@', 'ada@', 'Lovelace']) expect(text).not.toContain(personal)
  })

  test('a saved test expects what the text that is being written makes, not what the mapping that runs does', async () => {
    const { page, editor, output } = await openOn('&record=c1')
    await editor.fill(SOURCE.replace('$lowercase(email)', '$uppercase(email)'))
    await output.filter({ hasText: 'ADA@EXAMPLE.ORG' }).waitFor()
    await page.getByRole('button', { name: 'Save as test' }).click()
    const saved = page.getByRole('region', { name: 'Saved test' })
    await saved.waitFor()
    await expect.poll(async () => (await saved.textContent())!.split('expect:')[1]).toMatch(/email: [A-Z]+@/)
    await page.getByRole('button', { name: 'Back to the one that runs' }).click()
  })

  test('a pasted record is joined with what the ledger has, or what somebody writes, and becomes a test', async () => {
    const { page, editor, output } = await openOn('')
    await editor.fill(
      SOURCE.replace('map:\n', 'with:\n  company: { from: crm:companies, key: companyId }\nmap:\n').replace(
        'lastName\n',
        'lastName & ", " & $company.name\n',
      ),
    )
    await page
      .getByLabel('Or any record, as JSON')
      .fill('{"email":"MARY@Example.org","firstName":"Mary","lastName":"S","companyId":"k1"}')
    await output.filter({ hasText: 'Mary S, Analytical Engines' }).waitFor()
    const joined = page.getByRole('region', { name: 'Joined records' })
    await expect.poll(() => joined.textContent()).toContain('Analytical Engines')
    await page.getByRole('button', { name: 'Write others' }).click()
    const others = page.getByLabel('Joined records as JSON')
    await others.fill('{"company":{"name":"Difference Engines"}}')
    await output.filter({ hasText: 'Mary S, Difference Engines' }).waitFor()
    await page.getByRole('button', { name: 'Save as test' }).click()
    const saved = page.getByRole('region', { name: 'Saved test' })
    await expect.poll(() => saved.textContent()).toMatch(/with:\n +company:\n +name: /)
    for (const personal of ['MARY', 'mary@', 'Difference']) expect(await saved.textContent()).not.toContain(personal)
    await others.fill('{"companies":{}}')
    await page.getByText('The mapping joins nothing under the name companies.').waitFor()
    await page.getByRole('button', { name: 'Those of the ledger' }).click()
    await output.filter({ hasText: 'Mary S, Analytical Engines' }).waitFor()
    await page.getByRole('button', { name: 'Back to the one that runs' }).click()
  })

  test('the editor is loaded by the playground alone', async () => {
    const page = await site.open('about:blank')
    const scripts: string[] = []
    page.on('response', (response) => {
      if (response.url().endsWith('.js')) scripts.push(response.url())
    })
    await page.goto(`${site.hub.url}/syncs`)
    await page.getByRole('link', { name: 'contacts' }).waitFor()
    const first = scripts.length
    await page.goto(`${site.hub.url}/playground?sync=contacts`)
    await page.getByRole('textbox', { name: 'Mapping text' }).waitFor()
    await expect.poll(() => scripts.slice(first).filter((url) => url.includes('editor'))).toHaveLength(1)
    expect(scripts.slice(0, first).filter((url) => url.includes('editor'))).toEqual([])
  })
})
