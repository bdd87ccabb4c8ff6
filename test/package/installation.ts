import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../docs/readme.ts'

const run = promisify(execFile)

export type Packed = { file: string; paths: string[] }

/** What npm and vitest tell their children would lead a second npm back to the checkout. */
const OF_THE_RUNNER =
  /^(npm_(package|lifecycle|config_local_prefix)|INIT_CWD|NODE_ENV|NODE_PATH|NODE_OPTIONS|VITEST|TEST$)/

/** Nothing of the checkout is in the path: what the package forgot must be missing. */
export const ENVIRONMENT = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !OF_THE_RUNNER.test(name))),
  PATH: [dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(delimiter),
  NO_COLOR: '1',
}

/** `npm pack`, which builds first. */
export async function pack(folder: string): Promise<Packed> {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: ROOT, env: ENVIRONMENT })
  const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }]
  return { file: join(folder, filename), paths: files.map(({ path }) => path) }
}

/** `npm i` of the packed file in an empty folder, as people do it. */
export async function install({ file }: Packed, ...options: string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-installed-'))
  await run('npm', ['i', file, '--no-audit', '--no-fund', ...options], { cwd: folder, env: ENVIRONMENT })
  return folder
}

export type Outcome = { code: number | null; stdout: string; stderr: string }

/** Runs a command line to its end. */
export async function shell(cwd: string, script: string, env: NodeJS.ProcessEnv = ENVIRONMENT): Promise<Outcome> {
  await mkdir(cwd, { recursive: true })
  // A group of its own, so that a ctrl-c can be sent to all of it and nothing else.
  const child = spawn('bash', ['-euo', 'pipefail', '-c', script], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => (stdout += chunk))
  child.stderr.on('data', (chunk) => (stderr += chunk))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

/** Command lines of processes that have to do with a folder. */
export async function processesOf(folder: string): Promise<string[]> {
  const { stdout } = await run('ps', ['-eo', 'args'], { maxBuffer: 1 << 24 })
  return stdout.split('\n').filter((line) => line.includes(folder))
}
