/** Users, tokens and the audit by command, against a hub with a real ledger, over its socket. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startHub, type TestHub, TOKEN } from '../http/hub.ts'
import { type CliResult, runCli } from './run-cli.ts'

const PASSWORD = 'a long enough password'

let hub: TestHub
let folder: string
beforeAll(async () => {
  hub = await startHub()
  folder = await mkdtemp(join(tmpdir(), 'causeway-access-'))
  await writeFile(join(folder, 'admin'), `${TOKEN}\n`, { mode: 0o600 })
})
afterAll(async () => {
  await rm(folder, { recursive: true })
  await hub.close()
})

const cli = (args: string, { input = '', token = 'admin' } = {}): Promise<CliResult> =>
  runCli([...args.split(' '), '--url', hub.url, '--token-file', join(folder, token)], { input })
const dataOf = async (asked: Promise<CliResult>): Promise<Record<string, unknown>> => {
  const result = await asked
  expect(result.stderr).toBe('')
  expect(result.code).toBe(0)
  return (JSON.parse(result.stdout) as { data: Record<string, unknown> }).data
}
const login = async (name: string, password: string): Promise<number> => {
  const answer = await fetch(`${hub.url}/api/v1/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, password }),
  })
  return answer.status
}

test('a person is let in with a password from stdin, gets another role and password, and is kept out', async () => {
  const nothing = await cli('users add ada --role operator')
  expect(nothing.code).toBe(2)
  expect(nothing.stderr).toContain('No password came on stdin')
  expect((await cli('users add ada --role operator', { input: 'short\n' })).code).not.toBe(0)
  expect(await dataOf(cli('users add ada --role operator', { input: `${PASSWORD}\n` }))).toMatchObject({ name: 'ada' })
  expect(await login('ada', PASSWORD)).toBe(200)
  expect(await dataOf(cli('users set-role ada editor'))).toMatchObject({ role: 'editor' })
  await dataOf(cli('users set-password ada', { input: `${PASSWORD}, and another` }))
  expect(await login('ada', PASSWORD)).toBe(401)
  expect(await login('ada', `${PASSWORD}, and another`)).toBe(200)
  await dataOf(cli('users disable ada'))
  expect(await login('ada', `${PASSWORD}, and another`)).toBe(401)
  const list = await cli('users list -o human')
  expect(list.stdout).toMatch(/ada +editor +disabled +password/)
  expect(list.stdout).not.toContain('argon2')
  expect((await cli('users enable nobody')).code).toBe(2)
})

test('a token is shown once, does what its scopes let it do, and ends', async () => {
  const made = await cli('tokens create ci --role operator --scope hub:read --days 90 -o human')
  const secret = /^csw_[\w-]{43}$/m.exec(made.stdout)![0]
  await writeFile(join(folder, 'ci'), secret, { mode: 0o600 })
  expect(await dataOf(cli('runs list', { token: 'ci' }))).toMatchObject({ items: [] })
  const refused = await cli('dlq list', { token: 'ci' })
  expect(refused.code).not.toBe(0)
  expect(refused.stderr).toContain('CSW-8011')
  expect(refused.stderr).toContain('records:read')
  const list = await cli('tokens list -o human')
  expect(list.stdout).toMatch(/ci +csw_\S+… +operator: hub:read +active/)
  expect(list.stdout).not.toContain(secret)
  const { items } = (await dataOf(cli('tokens list'))) as { items: { id: number }[] }
  await dataOf(cli(`tokens revoke ${items[0]!.id} --yes`))
  const ended = await cli('runs list', { token: 'ci' })
  expect(ended.stderr).toContain('CSW-8001')
  expect((await cli('tokens list -o human')).stdout).toContain('revoked')
  expect((await cli('tokens create other --role viewer --days soon')).code).toBe(2)
  for (const [days, end] of [
    ['', expect.any(String)],
    ['--days never', null],
  ] as const)
    expect(await dataOf(cli(`tokens create t${end} --role viewer ${days}`.trim()))).toMatchObject({ expiresAt: end })
})

test('the audit shows who did it, and a chain that was cut is reported with an exit code', async () => {
  const { items } = (await dataOf(cli('audit list --subject user:ada'))) as { items: { action: string }[] }
  expect(items.map(({ action }) => action)).toEqual(
    expect.arrayContaining(['user.add', 'user.set_role', 'user.set_password', 'user.disable', 'login', 'login.fail']),
  )
  const shown = await cli('audit list --actor admin --action token.create -o human')
  expect(shown.stdout).toMatch(/admin +token\.create +token:ci/)
  const { head } = (await dataOf(cli('audit verify'))) as { head: string }
  await dataOf(cli(`audit verify --head ${head}`))
  const cut = await cli(`audit verify --head ${'0'.repeat(64)} -o human`)
  expect(cut.code).not.toBe(0)
  expect(cut.stdout).toContain('Broken')
})
