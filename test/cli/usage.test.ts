import { readFileSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { COMMANDS } from '../../src/cli/commands/index.ts'
import { BIN, runBinary, runCli } from './run-cli.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'causeway-cli-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('--version prints the version of the package and nothing else', async () => {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
    version: string
  }
  expect(await runBinary(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
})

test('under an old Node one sentence names the fix, with exit code 2', async () => {
  const pretend = `Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.20.2'}});Object.defineProperty(process,'version',{value:'v20.20.2'})`
  const result = await runBinary(['start'], {
    node: ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`],
  })
  expect(result.code).toBe(2)
  expect(result.stdout).toBe('')
  expect(result.stderr).toMatch(/^Causeway needs Node 24\.7 .* this is v20\.20\.2: .*\n$/)
  // The guard itself must load there: nothing but builtins may be imported before it.
  const guard = readFileSync(BIN, 'utf8')
  expect([...guard.matchAll(/^import .* from '(.*)'/gm)].map((match) => match[1])).toEqual([
    'node:fs',
    'node:module',
    'node:path',
  ])
})

test('each command has help that needs no hub', async () => {
  const shown = await Promise.all(COMMANDS.map(({ name }) => runCli([name, '--help'])))
  for (const [i, { name }] of COMMANDS.entries()) {
    expect(shown[i]?.code, name).toBe(0)
    expect(shown[i]?.stdout, name).toContain(`Usage: causeway ${name}`)
  }
})

test('misspelt words are answered with the nearest one, what and why, on stderr with exit code 2', async () => {
  const cases: [string[], string][] = [
    [['runz'], 'runs'],
    [['runs', 'lst'], 'list'],
    [['runs', 'list', '--outcom', 'failed'], '--outcome'],
    [['explain', 'CSW-30033'], 'CSW-3003'],
    [['explain', 'CSW-3003', '-o', 'jsn'], 'json'],
    [['connectors', 'show', 'sample-crn'], 'sample-crm'],
  ]
  for (const [i, [args, near]] of cases.entries()) {
    const result = await (i === 0 ? runBinary : runCli)(args)
    expect(result.code, args.join(' ')).toBe(2)
    expect(result.stdout, args.join(' ')).toBe('')
    expect(result.stderr, args.join(' ')).toContain('error CSW-8020')
    expect(result.stderr, args.join(' ')).toContain('why:')
    expect(result.stderr, args.join(' ')).toMatch(new RegExp(`Did you mean.*${near}`))
  }
})

test('output is JSON where no terminal reads it, in a versioned envelope; errors too when asked for', async () => {
  const plain = await runBinary(['explain', 'csw-3003'])
  expect(JSON.parse(plain.stdout)).toMatchObject({ causeway: 1, kind: 'explain', data: { code: 'CSW-3003' } })
  expect((await runCli(['explain', 'CSW-3003', '-o', 'human'])).stdout).toMatch(/^code +CSW-3003\n/)
  const failed = await runCli(['explain', 'CSW-0000', '-o', 'json'])
  expect(JSON.parse(failed.stderr)).toMatchObject({ causeway: 1, kind: 'error', error: { code: 'CSW-8020' } })
})

test('colours are left out without a terminal and by NO_COLOR, and put in by FORCE_COLOR', async () => {
  const colour = '\u001b['
  const human = ['explain', 'CSW-3003', '-o', 'human']
  expect((await runCli(human)).stdout).not.toContain(colour)
  expect((await runBinary(human, { env: { FORCE_COLOR: '1' } })).stdout).toContain(colour)
  expect((await runCli([...human, '--no-color'], { env: { FORCE_COLOR: '0' } })).stdout).not.toContain(colour)
})

test('outside a hub folder the error names the file and the way out, with exit code 5', async () => {
  const result = await runCli(['runs', 'list', '-C', folder])
  expect(result.code).toBe(5)
  expect(result.stderr).toContain('CSW-1003')
  expect(result.stderr).toContain('causeway init')
})

test('a hub that does not answer is exit code 4', async () => {
  const result = await runCli(['runs', 'list', '--url', 'http://127.0.0.1:9'], {
    env: { CAUSEWAY_ADMIN_TOKEN: 'x'.repeat(40) },
  })
  expect(result.code).toBe(4)
  expect(result.stderr).toContain('CSW-8021')
})

test('init writes a hub that validates, once, and never over something', async () => {
  const made = await runBinary(['init', 'demo'], { cwd: folder })
  expect(made.code).toBe(0)
  const demo = join(folder, 'demo')
  const { files } = (JSON.parse(made.stdout) as { data: { files: string[] } }).data
  expect(files).toEqual(['.gitignore', 'README.md', 'causeway.yaml', 'mappings/contacts-to-helpdesk.yaml'])
  expect(await readFile(join(demo, '.gitignore'), 'utf8')).toContain('.causeway/')
  const checked = await runCli(['validate', '-o', 'json'], { cwd: demo })
  expect(JSON.parse(checked.stdout).data).toMatchObject({ ok: true, items: [] })
  expect(checked.code).toBe(0)
  // The sample systems do not run yet; where the hub file names their variables, that is no fault of it.
  const explained = await runCli(['config', 'explain', 'connections.crm.settings.url', '-o', 'json'], { cwd: demo })
  expect([explained.code, explained.stderr]).toEqual([0, ''])
  expect(JSON.parse(explained.stdout).data.items).toMatchObject([{ from: 'file', where: 'causeway.yaml:13:12' }])

  // Whoever starts it as several processes is told that the sample systems are in none of these.
  const worker = await runCli(['worker', '-o', 'human'], { cwd: demo })
  expect([worker.code, worker.stdout]).toEqual([5, ''])
  expect(worker.stderr).toContain('fix: It belongs to the sample systems, which only `causeway start`')

  const before = await readdir(demo, { recursive: true })
  await writeFile(join(demo, 'causeway.yaml'), 'mine')
  const again = await runCli(['init', 'demo'], { cwd: folder })
  expect(again.code).toBe(2)
  expect(again.stderr).toContain('CSW-8023')
  expect(await readFile(join(demo, 'causeway.yaml'), 'utf8')).toBe('mine')
  expect(await readdir(demo, { recursive: true })).toEqual(before)
})

test('validate points out what the connector calls a secret and stands under settings, by whatever name', async () => {
  const hub = await mkdtemp(join(folder, 'settings-'))
  const wanted = 'connections: { crm: { connector: sample-crm, settings: { key: "${KEY}" } } }\n'
  await writeFile(join(hub, 'causeway.yaml'), wanted)
  const { code, stdout } = await runCli(['validate', '-o', 'json'], { cwd: hub, env: { KEY: 'hunter2' } })
  expect(JSON.parse(stdout).data.items).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ severity: 'warning', message: expect.stringContaining('settings.key') }),
    ]),
  )
  expect(stdout).not.toContain('hunter2')
  expect(code).toBe(5)
})

test.each(['validate', 'test', 'plan', 'run'])(
  '%s takes a selection, and refuses one that means nothing as all others do',
  async (name) => {
    const hub = join(import.meta.dirname, '../../src/cli/template')
    // Nothing listens where the hub would be.
    const run = (select: string) =>
      runCli([name, '--select', select, '-C', hub, '--url', 'http://127.0.0.1:9', '-o', 'human'], {
        env: { CAUSEWAY_ADMIN_TOKEN: 'x'.repeat(40) },
      })
    const sound = await run('+connector:sample-crm+')
    expect([sound.code, sound.stderr]).toEqual(
      ['validate', 'test'].includes(name) ? [0, ''] : [4, expect.stringContaining('CSW-8021')],
    )
    for (const [select, fix] of [
      ['tga:x', 'Did you mean "tag:"?'],
      ['contacts-to-helpdes', 'Did you mean "contacts-to-helpdesk"?'],
      ['state:old', 'Write state:modified.'],
    ] as const) {
      const { code, stderr } = await run(select)
      expect([select, code, stderr]).toEqual([select, 2, expect.stringContaining('error CSW-8020')])
      expect(stderr).toContain(fix)
    }
  },
)

test('the schemas that init writes for editors are the ones the checks use', async () => {
  await runCli(['init', 'schemas'], { cwd: folder })
  const hub = join(folder, 'schemas')
  for (const [file, schema] of [
    ['causeway.yaml', '.schemas/causeway.schema.json'],
    ['mappings/contacts-to-helpdesk.yaml', '.schemas/mapping.schema.json'],
  ] as const) {
    const modeline = (await readFile(join(hub, file), 'utf8')).split('\n')[0]
    expect(modeline).toMatch(/^# yaml-language-server: \$schema=/)
    expect(modeline!.endsWith(schema)).toBe(true)
    expect(JSON.parse(await readFile(join(hub, schema), 'utf8'))).toMatchObject({
      type: 'object',
      additionalProperties: false,
    })
  }
}, 300_000)

test('a fault in a file is shown with its line and a caret, and as an annotation for GitHub', async () => {
  await runCli(['init', 'faulty'], { cwd: folder })
  const hub = join(folder, 'faulty')
  const file = join(hub, 'mappings/contacts-to-helpdesk.yaml')
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replace('\nmatch:', '\nmach:'))
  const line = text.split('\n').findIndex((each) => each.startsWith('match:')) + 1
  const human = await runCli(['validate', '-o', 'human'], { cwd: hub })
  expect(human.code).toBe(5)
  expect(human.stdout).toContain(`mappings/contacts-to-helpdesk.yaml:${line}:1`)
  expect(human.stdout).toMatch(new RegExp(`${line} \\| mach: .*\\n +\\| \\^\\n`))
  expect(human.stdout).toContain('Did you mean "match"?')
  const github = await runCli(['validate', '-o', 'github'], { cwd: hub })
  expect(github.stdout).toMatch(
    new RegExp(`^::error file=mappings/contacts-to-helpdesk.yaml,line=${line},col=1,title=CSW-1005::`),
  )
  const sarif = JSON.parse((await runCli(['validate', '-o', 'sarif'], { cwd: hub })).stdout)
  expect(sarif.runs[0].results[0]).toMatchObject({
    ruleId: 'CSW-1005',
    level: 'error',
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: 'mappings/contacts-to-helpdesk.yaml' },
          region: { startLine: line, startColumn: 1 },
        },
      },
    ],
  })
  expect(sarif.runs[0].tool.driver.rules.map(({ id }: { id: string }) => id)).toContain('CSW-1005')
  const tested = await runCli(['test'], { cwd: hub })
  expect(tested.code).toBe(5)
  expect((await runCli(['validate', 'nosuch.yaml'], { cwd: hub })).code).toBe(2)
})

test('map runs a mapping over lines of JSON, and a bad line fails alone', async () => {
  const file = join(folder, 'pipe.yaml')
  await writeFile(file, 'from: a:a\nto: b:b\nwhen: $not(hidden = true)\nmap: { n: n, big: big }\n')
  const input = '{"id":7,"n":"x","big":9223372036854775807}\n{"id":8,"hidden":true}\n{"id":9,\n'
  const raw = await runBinary(['map', file, '--raw'], { cwd: folder, input })
  expect(raw.stdout).toBe('{"n":"x","big":9223372036854775807}\n')
  expect(raw.stderr).toContain('line 3: CSW-4002')
  expect(raw.code).toBe(1)
  const whole = await runCli(['map', file], { cwd: folder, input })
  expect(whole.stdout.trim().split('\n')[1]).toBe('{"id":"8","status":"filtered"}')
})

test.each([
  [['plan', 'x', '--mapping', 'nowhere.yaml'], 'there is no such file'],
  [['entities', 'import', 'person', 'nowhere.csv'], 'there is no such file'],
  [['connectors', 'test', 'hubspot', '--spec', 'nowhere.json'], 'there is no such file'],
  [['create', 'connector', 'new', '--from-openapi', 'nowhere.json'], 'there is no such file'],
  [['connectors', 'test', 'hubspot', '--spec', '.'], 'it is a folder'],
])('%s names the file that cannot be opened, with exit code 2', async (args, why) => {
  const result = await runCli(['-C', folder, ...args, '-o', 'human'])
  expect([result.code, result.stdout]).toEqual([2, ''])
  expect(result.stderr).toContain('error CSW-8020:')
  expect(result.stderr).toContain(why)
})
