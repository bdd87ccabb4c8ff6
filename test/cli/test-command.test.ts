/** What `causeway test` prints for people and for CI servers, and what it runs again while it watches. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { slowness } from './processor-time.ts'
import { BIN, CACHE, runCli } from './run-cli.ts'

const folder = mkdtempSync(join(tmpdir(), 'causeway-test-command-'))
const hub = join(folder, 'hub')
const mapping = (name: string) => join(hub, 'mappings', `${name}.yaml`)
const contacts = mapping('contacts-to-helpdesk')

const STRANGE = `<first> & "second" 'third' \u0007`
const OTHER = `sync: other
from: crm:contacts
to: helpdesk:requesters
match: [email]
map: { name: 'lastName', email: 'email' }
tests:
  - name: sound
    given: { body: { lastName: A, email: a@example.org } }
    expect: { contains: { name: A } }
  - name: ${JSON.stringify(STRANGE)}
    given: { body: { lastName: "<B> & ]]>", email: b@example.org } }
    expect: { contains: { name: "C" } }
`

const watching: ChildProcess[] = []
beforeAll(async () => {
  expect((await runCli(['init', 'hub'], { cwd: folder })).code).toBe(0)
  writeFileSync(mapping('other'), OTHER)
})
afterAll(() => {
  for (const child of watching) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

test('JUnit: well-formed whatever tests are called and give, one suite per sync, failures with their place and difference', async () => {
  const { stdout, code } = await runCli(['test', '-o', 'junit', '-C', hub])
  expect(code).toBe(1)
  expect(XMLValidator.validate(stdout)).toBe(true)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 has no such characters.
  expect(stdout).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/)
  const always = ['testsuite', 'testcase']
  const xml = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    htmlEntities: true,
    isArray: (name) => always.includes(name),
  }).parse(stdout) as { testsuites: { testsuite: Suite[] } }
  const suites = new Map(xml.testsuites.testsuite.map((suite) => [suite.name, suite]))
  expect([...suites.keys()].sort()).toEqual(['contacts-to-helpdesk', 'other'])
  expect(suites.get('contacts-to-helpdesk')).toMatchObject({ tests: '2', failures: '0' })
  const { tests, failures, testcase } = suites.get('other')!
  expect([tests, failures, testcase.length]).toEqual(['2', '1', 2])
  expect(testcase[0]).toEqual({ classname: 'other', name: 'sound' })
  const [, bad] = testcase
  expect(bad!.name).toMatch(/^<first> & "second" 'third'/)
  expect(bad!.file).toBe('mappings/other.yaml:10:5')
  expect(bad!.failure).toMatchObject({ message: 'name: expected "C", got "<B> & ]]>"' })
})

type Suite = { name: string; tests: string; failures: string; testcase: Case[] }
type Case = { classname: string; name: string; file?: string; failure?: { message: string } }

test('for people the difference names the path, with what was wanted and what came in their colours', async () => {
  const { stdout } = await runCli(['test', mapping('other'), '-o', 'human'], { cwd: hub, env: { FORCE_COLOR: '1' } })
  expect(stdout).toContain(
    '\u001b[1mname: \u001b[22mexpected \u001b[32m"C"\u001b[39m, got \u001b[31m"<B> & ]]>"\u001b[39m',
  )
})

test('while it watches, an edit runs the tests of what it touches and of nothing else', async () => {
  const { child, until } = watch()
  await until(['contacts-to-helpdesk', 'contacts-to-helpdesk', 'other', 'other'], 1)
  save(contacts, readFileSync(contacts, 'utf8').replace('$lowercase(email)', '$uppercase(email)'))
  await until(['contacts-to-helpdesk', 'contacts-to-helpdesk'], 1)
  // Tests beside a mapping belong to it.
  save(mapping('other.test'), 'tests:\n  - { name: beside, given: { body: {} }, expect: { contains: {} } }\n')
  await until(['other', 'other', 'other'], 1)
  // A fault is said, and the next edit is waited for.
  save(contacts, readFileSync(contacts, 'utf8').replace('\nmap:', '\nmpa:'))
  await until([], 0)
  // The hub file touches all.
  save(contacts, readFileSync(contacts, 'utf8').replace('\nmpa:', '\nmap:'))
  await until(['contacts-to-helpdesk', 'contacts-to-helpdesk'], 1)
  const file = join(hub, 'causeway.yaml')
  save(file, `${readFileSync(file, 'utf8')}\n# touched\n`)
  await until(['contacts-to-helpdesk', 'contacts-to-helpdesk', 'other', 'other', 'other'], 2)
  child.kill('SIGINT')
  const [code] = (await once(child, 'exit')) as [number]
  expect(code).toBe(1)
})

const procfs = existsSync('/proc/self/stat') && existsSync(`/proc/${process.pid}/task/${process.pid}/children`)

test.skipIf(!procfs)('an edit is answered within 200 ms of processor time and settling', async () => {
  const { child, next } = watch(contacts)
  await next()
  const text = readFileSync(contacts, 'utf8')
  const taken: number[] = []
  for (let edit = 0; edit < 8; edit++) {
    const before = millisecondsOf(child.pid!)
    save(contacts, `${text}\n# ${edit}\n`)
    expect((await next()).items.length).toBeGreaterThan(0)
    taken.push(millisecondsOf(child.pid!) - before)
  }
  child.kill('SIGINT')
  await once(child, 'exit')
  // What other work on the machine adds is no property of the command: the best of them says what it takes. 40 ms are for the
  // editor to finish its steps.
  expect(Math.min(...taken)).toBeLessThan((200 - 40) * slowness())
})

/** Processor time of a process and all that it started, in steps of ten. */
function millisecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
  return (Number(user) + Number(system)) * 10 + children.reduce((sum, each) => sum + millisecondsOf(Number(each)), 0)
}

test('less coverage than asked for fails, as much does not', async () => {
  const half = mapping('half')
  const given = '{ name: one, given: { body: { lastName: A } }, expect: { contains: { name: A } } }'
  writeFileSync(
    half,
    `from: crm:contacts\nto: helpdesk:requesters\nmap: { name: lastName, email: email }\ntests: [${given}]\n`,
  )
  const ask = (percent: string) => runCli(['test', half, '--min-coverage', percent, '-o', 'json'], { cwd: hub })
  const enough = await ask('50')
  expect([enough.code, enough.stderr]).toEqual([0, ''])
  expect(JSON.parse(enough.stdout).data.coverage[0].items).toContainEqual(
    expect.objectContaining({ reached: false, name: 'email' }),
  )
  const thin = await ask('51')
  expect([thin.code, thin.stderr]).toEqual([1, 'half: less than 51 % is reached by tests\n'])
  expect((await ask('101')).code).toBe(2)
  rmSync(half)
})

/** As editors that are careful do: never half a file. */
function save(file: string, text: string): void {
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}

type Envelope = { data: { failed: number; items: { sync: string }[] } }

function watch(...paths: string[]) {
  const child = spawn(process.execPath, [BIN, 'test', ...paths, '--watch', '-o', 'json', '-C', hub], {
    env: { PATH: process.env.PATH ?? '', XDG_CACHE_HOME: CACHE },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  watching.push(child)
  const printed = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<Envelope['data']> =>
    (JSON.parse((await printed.next()).value as string) as Envelope).data
  let before = ''
  /** The next round; a system may tell of one edit twice, and then the same is run again. */
  const until = async (syncs: string[], failed: number): Promise<void> => {
    const wanted = JSON.stringify([syncs, failed])
    for (let seen = ''; seen !== wanted; ) {
      const data = await next()
      seen = JSON.stringify([data.items.map(({ sync }) => sync).sort(), data.failed])
      expect([before, wanted]).toContain(seen)
    }
    before = wanted
  }
  return { child, until, next }
}
