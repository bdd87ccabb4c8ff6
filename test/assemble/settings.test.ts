import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { describeSettings } from '../../src/assemble/settings.ts'
import { loadHub, SETTING_NAMES, SETTINGS } from '../../src/config/index.ts'

const SECRET = 'canary-0123456789-0123456789-0123456789'

test('every setting is told with where it came from, and no secret', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-settings-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'causeway.yaml'), 'hub:\n  journal_days: 7\n  admin_token: $' + '{TOKEN}\n')
  const url = `postgres://hub:${SECRET}@db.example/ledger`
  const config = await loadHub({ folder, env: { DATABASE_URL: url, TOKEN: SECRET } })
  const told = describeSettings(config)
  expect(told.map(({ name }) => name)).toEqual(SETTING_NAMES)
  expect(JSON.stringify(told)).not.toContain(SECRET)
  const of = (name: string) => told.find((each) => each.name === name)
  expect(of('journal_days')).toMatchObject({
    value: '7',
    from: 'file',
    where: expect.stringContaining('causeway.yaml:2'),
  })
  expect(of('database_url')).toMatchObject({ value: '[secret]', from: 'variable', where: 'DATABASE_URL' })
  expect(of('admin_token')).toMatchObject({ value: '[secret]', from: 'file' })
  expect(of('redis_url')).toMatchObject({ value: null, from: 'default', where: null })
  expect(of('run_days')).toMatchObject({ value: '90', description: SETTINGS.run_days.description })
})
