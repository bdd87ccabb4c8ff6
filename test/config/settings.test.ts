import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { loadSettings, maskedSettings, SETTING_NAMES, SETTINGS, settingsPage } from '../../src/config/index.ts'

const TOKEN = 'x'.repeat(40)
const place = { file: 'causeway.yaml', line: 3, column: 9 }

test('without anything given every setting has its default, and the defaults are acceptable values', () => {
  const { settings, findings } = loadSettings({ env: {} })
  expect(findings).toEqual([])
  expect(settings).toMatchObject({
    port: 4000,
    host: '127.0.0.1',
    data_dir: '.causeway',
    samples: false,
    database_url: null,
  })
  for (const name of SETTING_NAMES) {
    const value = SETTINGS[name].default
    if (value !== null) expect([name, SETTINGS[name].parse(value)]).toEqual([name, value])
  }
})

test('a flag wins over the environment, that over the file, that over the default', () => {
  const file = { port: { value: 4001, place } }
  const env = { CAUSEWAY_PORT: '4002' }
  const flags = { port: 4003 }
  expect(loadSettings({ env: {}, file })).toMatchObject({
    settings: { port: 4001 },
    sources: { port: { from: 'file', place } },
  })
  expect(loadSettings({ env, file })).toMatchObject({
    settings: { port: 4002 },
    sources: { port: { from: 'environment', variable: 'CAUSEWAY_PORT' }, host: { from: 'default' } },
  })
  expect(loadSettings({ env, file, flags })).toMatchObject({
    settings: { port: 4003 },
    sources: { port: { from: 'flag' } },
  })
})

test('DATABASE_URL and REDIS_URL are read; the variable with our prefix wins; empty ones count as absent', () => {
  const env = { DATABASE_URL: 'postgres://a/b', CAUSEWAY_DATABASE_URL: '', REDIS_URL: '', CAUSEWAY_PORT: '' }
  expect(loadSettings({ env }).settings).toMatchObject({ database_url: 'postgres://a/b', redis_url: null, port: 4000 })
  const both = { ...env, CAUSEWAY_DATABASE_URL: 'postgresql://c/d' }
  expect(loadSettings({ env: both }).settings.database_url).toBe('postgresql://c/d')
})

test('a secret is read from the file its _FILE variable names, other settings are not', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-settings-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'token'), `${TOKEN}\n`)
  const { settings, sources } = loadSettings({ env: { CAUSEWAY_ADMIN_TOKEN_FILE: join(folder, 'token') } })
  expect(settings.admin_token).toBe(TOKEN)
  expect(sources.admin_token).toEqual({ from: 'environment', variable: 'CAUSEWAY_ADMIN_TOKEN_FILE' })
  const missing = loadSettings({ env: { CAUSEWAY_ADMIN_TOKEN_FILE: join(folder, 'none') } })
  expect(missing.findings).toMatchObject([
    { severity: 'error', code: 'CSW-1003', message: expect.stringContaining('ENOENT') },
  ])
  expect(loadSettings({ env: { CAUSEWAY_PORT_FILE: join(folder, 'token') } }).settings.port).toBe(4000)
})

test('all bad values are found at once, named with their origin, secrets never repeated', () => {
  const env = {
    CAUSEWAY_PORT: '99999',
    CAUSEWAY_SAMPLES: 'maybe',
    CAUSEWAY_LOG_LEVEL: 'loud',
    CAUSEWAY_ADMIN_TOKEN: 'hunter2',
    DATABASE_URL: 'mysql://bob:hunter2@db/x',
    CAUSEWAY_HOST: 'http://x',
  }
  const { findings } = loadSettings({ env, file: { journal_days: { value: 0.5, place } } })
  expect(findings.map(({ message }) => message.split(' ')[0]).sort()).toEqual(
    [...Object.keys(env), 'hub.journal_days'].sort(),
  )
  for (const finding of findings) expect(finding).toMatchObject({ severity: 'error', code: 'CSW-1002' })
  expect(findings.find(({ message }) => message.startsWith('hub.'))!.place).toEqual(place)
  expect(JSON.stringify(findings)).not.toContain('hunter2')
})

test('true and false may be written as people write them', () => {
  for (const word of ['true', 'YES', 'on', '1'])
    expect(loadSettings({ env: { CAUSEWAY_SAMPLES: word } }).settings.samples).toBe(true)
  for (const word of ['false', 'No', 'off', '0'])
    expect(loadSettings({ env: { CAUSEWAY_SAMPLES: word } }).settings.samples).toBe(false)
})

test('proxies are addresses and networks, as a list or with commas between them', () => {
  const read = (value: unknown) => loadSettings({ env: {}, file: { trusted_proxies: { value, place } } })
  const list = ['10.0.0.0/8', '::1', 'fd00::/8']
  for (const value of [list, '10.0.0.0/8, ::1 fd00::/8'])
    expect(read(value)).toMatchObject({ settings: { trusted_proxies: list }, findings: [] })
  for (const value of ['10.0.0.0/33', '10.0.0.0/8/8', 'proxy.example', '*', ['10.0.0.1', 7], 7])
    expect(read(value), String(value)).toMatchObject({
      settings: { trusted_proxies: [] },
      findings: [{ code: 'CSW-1002', place }],
    })
})

test('a misspelt variable is named with the right one; foreign ones are left alone', () => {
  const { findings } = loadSettings({ env: { CAUSEWAY_PROT: '1', CAUSEWAY_SOMETHING_ELSE: 'x', PATH: '/bin' } })
  expect(findings).toMatchObject([
    { severity: 'warning', message: expect.stringContaining('CAUSEWAY_PROT'), fix: 'Did you mean CAUSEWAY_PORT?' },
  ])
})

test('settings are shown without their secrets', () => {
  const env = { CAUSEWAY_ADMIN_TOKEN: TOKEN, DATABASE_URL: 'postgres://u:p4ss@db/x' }
  const shown = maskedSettings(loadSettings({ env }).settings)
  expect(shown).toMatchObject({ admin_token: '[secret]', database_url: '[secret]', master_key: null, port: 4000 })
  expect(JSON.stringify(shown)).not.toMatch(/p4ss|xxxx/)
})

test('docs/settings.md is what the settings say', async () => {
  const page = await readFile(join(import.meta.dirname, '../../docs/settings.md'), 'utf8')
  expect(page === settingsPage(), 'run: node scripts/print-settings.ts').toBe(true)
  for (const name of SETTING_NAMES) expect(page).toContain(`CAUSEWAY_${name.toUpperCase()}`)
})
