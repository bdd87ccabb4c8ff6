import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../faults/rig/waiting.ts'
import { buildImage, type Image } from './dockerfile.ts'
import { ENVIRONMENT, shell } from './installation.ts'

/** Only root can become somebody else; anybody else is unprivileged already. */
const IS_ROOT = process.getuid!() === 0
/** In the place of the image's own user, which this machine does not have and initdb wants to know. */
const NOBODY = 65_534

let folder: string
let image: Image

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'causeway-image-'))
  await chmod(folder, 0o711)
  image = await buildImage(folder)
  // Node as the base image has it, and nothing of the checkout in the path.
  await mkdir(join(image.root, 'usr/local/bin'), { recursive: true })
  await copyFile(process.execPath, join(image.root, 'usr/local/bin/node'))
  await shell(folder, `chmod -R a-w,a+rX '${image.root}'`)
}, 900_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

test('only what prepares the base image is not run', () => {
  expect(image.leftOut).toHaveLength(1)
  expect(image.leftOut[0]).toContain('useradd')
  expect(image.user).toMatch(/^[1-9]\d*:[1-9]\d*$/)
})

test('as somebody without rights, with a tree nobody can write to, the image initialises a hub, runs it, is healthy and stops', async () => {
  const hub = await ownFolder('hub')
  const init = await shell(hub, command(['init', '.'], {}).join(' '))
  expect(init.code, init.stderr).toBe(0)
  await shell(folder, `chmod -R a-w '${hub}'`)

  const port = await freePort()
  const env = {
    CAUSEWAY_DATA_DIR: await ownFolder('data'),
    CAUSEWAY_PORT: String(port),
    TMPDIR: await ownFolder('tmp'),
  }
  const [program, ...args] = command(image.command.slice(2), env)
  const child = spawn(program!, args, { cwd: hub, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  const ended = once(child, 'exit')
  try {
    while (!/runs at \S+/.test(output)) {
      if (child.exitCode !== null) throw new Error(`it ended:\n${output}`)
      await sleep(100)
    }
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status, output).toBe(200)
    // What stands in the image by a whole path.
    const probe = image.healthcheck.map((word) => (word.startsWith('/') ? join(image.root, word) : word))
    const health = await shell(hub, probe.join(' '), {
      ...ENVIRONMENT,
      ...env,
    })
    expect(health.code, health.stderr).toBe(0)
  } finally {
    child.kill('SIGTERM')
  }
  const [code] = await ended
  expect(code, output).toBe(0)
})

/** A folder that belongs to whom the program runs as. */
async function ownFolder(name: string): Promise<string> {
  const path = join(folder, name)
  await mkdir(path)
  if (IS_ROOT) await chown(path, NOBODY, NOBODY)
  return path
}

/** The image's program without any rights. */
function command(args: string[], env: Record<string, string>): string[] {
  const rights = IS_ROOT
    ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--no-new-privs', '--bounding-set=-all']
    : []
  const variables = {
    ...image.env,
    PATH: `${join(image.root, 'usr/local/bin')}:/usr/bin:/bin`,
    HOME: '/nonexistent',
    ...env,
  }
  return [
    ...rights,
    'env',
    '-i',
    ...Object.entries(variables).map(([name, value]) => `${name}=${value}`),
    join(image.root, 'usr/local/bin/node'),
    join(image.root, image.command[1]!),
    ...args,
  ]
}
