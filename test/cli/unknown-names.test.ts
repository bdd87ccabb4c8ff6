/** Names that stand on the command line and are none of the hub: whoever misspells one is told, also where the answer is an empty list. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { COMMANDS } from '../../src/cli/commands/index.ts'
import type { HubServices } from '../../src/http/index.ts'
import { startHub, type TestHub, TOKEN } from '../http/hub.ts'
import { seedHub } from '../http/rows.ts'
import { type CliResult, runCli } from './run-cli.ts'

/** Each kind of name, misspelt, and what is meant. */
const SLIPS: Readonly<Record<string, [string, string]>> = {
  sync: ['contacts-to-epr', 'contacts-to-erp'],
  connection: ['crmm', 'crm'],
  stream: ['crm:contcts', 'crm:contacts'],
  code: ['CSW-30088', 'CSW-3008'],
}

let hub: TestHub
let folder: string
beforeAll(async () => {
  const sync = { name: 'contacts-to-erp', from: 'crm:contacts', to: 'erp:customers' }
  hub = await startHub({ services: { syncs: () => [sync as unknown as ReturnType<HubServices['syncs']>[number]] } })
  await seedHub(hub.pool)
  folder = await mkdtemp(join(tmpdir(), 'causeway-names-'))
  await writeFile(join(folder, 'token'), `${TOKEN}\n`, { mode: 0o600 })
})
afterAll(async () => {
  await hub.close()
  await rm(folder, { recursive: true })
})
const cli = (...args: string[]): Promise<CliResult> =>
  runCli([...args, '--url', hub.url, '--token-file', join(folder, 'token')], { cwd: folder })

/** What a command wants besides before it looks at names. */
const BESIDES: Readonly<Record<string, string[]>> = {
  'conflicts resolve': ['--from', '--preview'],
  'dlq discard': ['--reason', 'x', '--preview'],
}
/** It selects nothing: it says where to, and the hub refuses one that it does not have. */
const NO_FILTER = 'webhooks replay --sync'

/** Every filter of every command by such a name. */
async function filters(): Promise<{ line: string[]; of: string; filter: string }[]> {
  const all = []
  for (const { name, load } of COMMANDS) {
    const command = new Command(name)
    ;(await load()).define(command, () => {
      throw new Error('nothing is run here')
    })
    for (const one of command.commands.length ? command.commands : [command]) {
      const words = one === command ? [name] : [name, one.name()]
      const given = one.registeredArguments.filter(({ required }) => required).map(() => '1')
      const of = words.join(' ')
      for (const { long, required } of one.options) {
        const filter = long!.slice(2)
        if (required && SLIPS[filter] && `${of} ${long}` !== NO_FILTER)
          all.push({ line: [...words, ...given, ...(BESIDES[of] ?? [])], of, filter })
      }
    }
  }
  return all
}

test('every filter by a misspelt name says which is meant', async () => {
  const all = await filters()
  expect(all.length).toBeGreaterThan(25)
  for (const { line, of, filter } of all) {
    const [wrong, meant] = SLIPS[filter]!
    const { stderr } = await cli(...line, `--${filter}`, wrong)
    expect(stderr, `${of} --${filter}`).toContain(`Did you mean "${meant}"?`)
  }
})

test('every command about a thing says which is meant where its name is misspelt', async () => {
  for (const [line, meant] of [
    [['run', 'contacts-to-epr'], 'contacts-to-erp'],
    [['diff', 'contacts-to-epr', '--against', 'HEAD'], 'contacts-to-erp'],
    [['syncs', 'show', 'contacts-to-epr'], 'contacts-to-erp'],
    [['syncs', 'pause', 'contacts-to-epr'], 'contacts-to-erp'],
    [['syncs', 'resume', 'contacts-to-epr'], 'contacts-to-erp'],
    [['status', 'hours', '--sync', 'contacts-to-epr'], 'contacts-to-erp'],
    [['config', 'mapping', 'contacts-to-epr'], 'contacts-to-erp'],
    [['connections', 'show', 'crmm'], 'crm'],
    [['connections', 'test', 'crmm'], 'crm'],
    [['connections', 'pause', 'crmm'], 'crm'],
    [['connections', 'resume', 'crmm'], 'crm'],
    [['auth', 'login', 'crmm'], 'crm'],
    [['secrets', 'list', 'crmm'], 'crm'],
    [['secrets', 'forget', 'crmm', 'key', '--yes'], 'crm'],
    [['connectors', 'show', 'sample-crn'], 'sample-crm'],
    [['explain', 'CSW-30088'], 'CSW-3008'],
    [['tokens', 'create', 'x', '--role', 'viewr'], 'viewer'],
    [['users', 'set-role', 'x', 'editr'], 'editor'],
    [['runs', 'list', '--outcome', 'faild'], 'failed'],
    [['runs', 'list', '--kind', 'pul'], 'pull'],
    [['dlq', 'list', '--state', 'opn'], 'open'],
    [['schema', 'mappping'], 'mapping'],
    [['webhooks', 'replay', '1', '--sync', 'contacts-to-epr'], 'contacts-to-erp'],
  ] as const) {
    const { code, stdout, stderr } = await cli(...line)
    expect([stdout, code], line.join(' ')).toEqual(['', 2])
    expect(stderr, line.join(' ')).toContain(`Did you mean "${meant}"?`)
  }
})

test('a number that nothing has is answered with where those stand that there are', async () => {
  for (const group of ['runs', 'dlq', 'bulk']) {
    const { code, stderr } = await cli(group, 'show', '999999')
    expect(code, group).toBe(2)
    expect(stderr, group).toContain('Correct the name or number. Lists say what there is')
  }
})

test('nothing is said of names that are right, and of those the hub cannot know', async () => {
  for (const line of [
    ['dlq', 'list', '--sync', 'contacts-to-erp'],
    ['runs', 'list', '--connection', 'crm', '--outcome', 'held'],
    ['webhooks', 'list', '--connection', 'crm', '--stream', 'contacts'],
    ['dlq', 'list', '--assignee', 'nobody'],
  ])
    expect((await cli(...line)).stderr, line.join(' ')).toBe('')
})
