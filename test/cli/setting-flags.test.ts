/** Each setting is given by flag, by variable and by file, and `config explain` tells which it was. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { COMMANDS } from '../../src/cli/commands/index.ts'
import { SETTING_NAMES, SETTINGS, type SettingName } from '../../src/config/index.ts'
import { runBinary, runCli } from './run-cli.ts'

/** A value of the setting that is not its default; `turn` tells those of flag, variable and file apart where there is room. */
function sampleOf(name: SettingName, turn: number): string {
  const { kind, secret } = SETTINGS[name]
  if (kind === 'true or false') return String(!SETTINGS[name].default)
  if (kind.startsWith('whole number')) return String(Number(/\d+/.exec(kind)![0]) + turn)
  if (kind.startsWith('number')) return `0.${turn}`
  if (kind.startsWith('URL')) return `${/\((\w+)/.exec(kind)![1]}://host-${turn}.example/x`
  if (kind === 'IP addresses and networks') return `10.${turn}.0.0/16`
  if (kind.includes(', ')) return kind.split(', ').filter((choice) => choice !== SETTINGS[name].default)[turn % 2]!
  return secret ? `${turn}`.repeat(40) : `text-${turn}`
}
const entries = (turn: number) => SETTING_NAMES.map((name) => [name, sampleOf(name, turn)] as const)

let folder: string
let flags: string[]
const env: Record<string, string> = {}
const fileOf = (name: string, turn: number) => join(folder, `${name}-${turn}`)
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'causeway-flags-'))
  for (const turn of [1, 2])
    for (const [name, value] of entries(turn))
      if (SETTINGS[name].secret) await writeFile(fileOf(name, turn), `${value}\n`)
  flags = entries(1).flatMap(([name, value]) => {
    const flag = `--${name.replaceAll('_', '-')}`
    return SETTINGS[name].secret ? [`${flag}-file`, fileOf(name, 1)] : [flag, value]
  })
  for (const [name, value] of entries(2)) {
    const variable = `CAUSEWAY_${name.toUpperCase()}`
    if (SETTINGS[name].secret) env[`${variable}_FILE`] = fileOf(name, 2)
    else env[variable] = value
  }
  const lines = entries(3).map(([name, value]) =>
    SETTINGS[name].secret ? `  ${name}: "\${OURS_${name.toUpperCase()}}"` : `  ${name}: ${JSON.stringify(value)}`,
  )
  await writeFile(join(folder, 'causeway.yaml'), `hub:\n${lines.join('\n')}\n`)
  return () => rm(folder, { recursive: true })
})

const ours = () =>
  Object.fromEntries(
    entries(3).flatMap(([name, value]) => (SETTINGS[name].secret ? [[`OURS_${name.toUpperCase()}`, value]] : [])),
  )

type Told = { key: string; value: unknown; from: string; where: string | null }
async function explained(args: string[], variables: Record<string, string>): Promise<Map<string, Told>> {
  const { code, stdout, stderr } = await runCli(['config', 'explain', ...args], { cwd: folder, env: variables })
  expect([code, stderr]).toEqual([0, ''])
  const { data } = JSON.parse(stdout) as { data: { items: Told[] } }
  return new Map(data.items.map((item) => [item.key, item]))
}

test('every setting is a flag, a variable and a line of the file, which count in this order', async () => {
  const turns = [
    { turn: 1, from: 'flag', told: await explained(flags, { ...env, ...ours() }) },
    { turn: 2, from: 'variable', told: await explained([], { ...env, ...ours() }) },
    { turn: 3, from: 'file', told: await explained([], ours()) },
  ]
  for (const { turn, from, told } of turns)
    for (const [name, value] of entries(turn)) {
      const { value: shown, ...item } = told.get(`hub.${name}`)!
      const wanted = SETTINGS[name].secret ? '[secret]' : SETTINGS[name].parse(value)
      expect([name, item.from, shown]).toEqual([name, from, wanted])
      if (from === 'variable')
        expect(item.where).toBe(`CAUSEWAY_${name.toUpperCase()}${SETTINGS[name].secret ? '_FILE' : ''}`)
      if (from === 'file') expect(item.where).toMatch(/^causeway\.yaml:\d+:\d+$/)
    }
})

test('no secret is taken from a command line, and a file of one that is missing is named with its flag', async () => {
  const given = await runCli(['config', 'explain', '--master-key', 'x'.repeat(40)], { cwd: folder, env: ours() })
  expect([given.code, given.stdout]).toEqual([2, ''])
  const missing = await runCli(['config', 'explain', '--master-key-file', '/none'], { cwd: folder, env: ours() })
  expect([missing.code, missing.stderr]).toEqual([5, expect.stringContaining('--master-key-file')])
})

test('the commands that are a hub take every setting', async () => {
  for (const name of ['start', 'serve', 'worker']) {
    const { load } = COMMANDS.find((command) => command.name === name)!
    const { Command } = await import('commander')
    const command = new Command(name)
    ;(await load()).define(command, () => {
      throw new Error('nothing is run here')
    })
    const known = command.options.map(({ long }) => long)
    expect(flags.filter((word) => word.startsWith('--') && !known.includes(word))).toEqual([])
  }
})

test('a flag reaches the hub that starts, and a wrong one is named', async () => {
  const hub = await mkdtemp(join(tmpdir(), 'causeway-flags-hub-'))
  onTestFinished(() => rm(hub, { recursive: true, force: true }))
  await writeFile(join(hub, 'causeway.yaml'), 'hub: {}\n')
  const refused = await runBinary(['-C', hub, 'serve', '--port', '99999999'], { env: {} })
  expect([refused.code, refused.stderr]).toEqual([5, expect.stringContaining('--port')])
})
