/** A hub whose data lies elsewhere, and commands that know nothing but its folder: all of them processes of their own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { until } from '../e2e/hub-process.ts'
import { freshDatabase } from '../postgres.ts'
import { BIN, CACHE, runBinary } from './run-cli.ts'

const POSTS = join('.causeway', 'hubs')
const newFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'causeway-signposts-'))

type Started = { child: ChildProcess; url: string; dataDir: string }

/** Starts a hub of the folder, on a database of its own, with its data elsewhere. */
async function start(dir: string, env: Record<string, string> = {}): Promise<Started> {
  const [database, dataDir] = [await freshDatabase(), await newFolder()]
  const args = ['-C', dir, '-o', 'json', 'serve', '--port', '0', '--data-dir', dataDir]
  const child = spawn(process.execPath, [BIN, ...args], {
    env: { ...{ PATH: process.env.PATH, XDG_CACHE_HOME: CACHE, DATABASE_URL: database.url }, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => (output += chunk))
  const url = await until(
    () => (child.exitCode === null ? /"url":"([^"]+)"/.exec(output)?.[1] : `it ended: ${output}`),
    Boolean,
  )
  await until(
    () => readdir(join(dir, POSTS)).catch((): string[] => []),
    (names) => names.includes(`${child.pid}.json`),
  )
  return { child, url: url!, dataDir }
}

async function end({ child }: Started, signal: NodeJS.Signals): Promise<void> {
  const ended = once(child, 'exit')
  child.kill(signal)
  await ended
}

/** What the hub that answers says of itself. */
const ask = (dir: string, env: Record<string, string> = {}) =>
  runBinary(['-C', dir, '-o', 'json', 'status', 'settings'], { env })

/** Where the hub that answers keeps its data; no two have the same. */
async function asked(dir: string, env: Record<string, string> = {}): Promise<unknown> {
  const { stdout, stderr } = await ask(dir, env)
  expect(stderr).toBe('')
  const { data } = JSON.parse(stdout) as { data: { items: { name: string; value: unknown }[] } }
  return data.items.find(({ name }) => name === 'data_dir')?.value
}

test('commands find a hub that was started with --data-dir by its folder alone, and no hub that is gone', async () => {
  const dir = await newFolder()
  await writeFile(join(dir, 'causeway.yaml'), 'hub: {}\nconnections: {}\nenvironments:\n  test: {}\n')
  const first = await start(dir)
  expect(await asked(dir)).toBe(first.dataDir)
  // It says where, and nothing that lets anybody in.
  const post = join(dir, POSTS, `${first.child.pid}.json`)
  const token = (await readFile(join(first.dataDir, 'admin-token'), 'utf8')).trim()
  expect(await readFile(post, 'utf8')).not.toContain(token)
  expect(Object.keys(JSON.parse(await readFile(post, 'utf8'))).sort()).toEqual([
    'dataDir',
    'environment',
    'folder',
    'pid',
  ])

  // One of another environment is another hub, and of two of the same nobody guesses.
  const other = await start(dir, { CAUSEWAY_ENV: 'test' })
  expect(await asked(dir)).toBe(first.dataDir)
  expect(await asked(dir, { CAUSEWAY_ENV: 'test' })).toBe(other.dataDir)
  const second = await start(dir)
  const torn = await ask(dir)
  expect(torn.code).not.toBe(0)
  for (const { url, dataDir } of [first, second])
    expect(torn.stdout + torn.stderr).toContain(`${url} (data in ${dataDir})`)
  expect(await asked(dir, { CAUSEWAY_DATA_DIR: second.dataDir })).toBe(second.dataDir)

  // One that was killed leaves its word behind, which the next one takes away; one that ends takes its own along.
  await end(second, 'SIGKILL')
  expect(await asked(dir)).toBe(first.dataDir)
  await end(first, 'SIGTERM')
  await expect(stat(post)).rejects.toMatchObject({ code: 'ENOENT' })
  const third = await start(dir)
  expect(await asked(dir)).toBe(third.dataDir)
  expect((await readdir(join(dir, POSTS))).sort()).toEqual(
    [`${other.child.pid}.json`, `${third.child.pid}.json`].sort(),
  )
}, 600_000)
