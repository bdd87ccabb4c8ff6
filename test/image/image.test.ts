/** The Dockerfile as an engine builds it: what the image says of itself, what lies in it, and that it runs with as little as it promises. */

import { readFileSync } from 'node:fs'
import { chown, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ROOT } from '../docs/readme.ts'
import { CONFINED, FOLDER, healthOf, IMAGE, podman } from './engine.ts'

const USER = 10_001
/** What a shell in the image prints; as root it sees all of it. */
const inside = (script: string, user = String(USER)): Promise<string> =>
  podman('run', '--rm', '--network', 'none', '--user', user, '--entrypoint', 'sh', IMAGE, '-c', script)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(FOLDER, 'hub-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('the image says what it is, who it runs as, what it keeps and how it is asked whether it lives', async () => {
  const [image] = JSON.parse(await podman('image', 'inspect', IMAGE))
  const { version, license } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  expect(image.Config).toMatchObject({
    User: `${USER}:${USER}`,
    Entrypoint: ['node', '/app/bin/causeway.mjs'],
    Cmd: ['start'],
    WorkingDir: '/hub',
    Volumes: { '/data': {} },
    ExposedPorts: { '4000/tcp': {} },
    Labels: { 'org.opencontainers.image.version': version, 'org.opencontainers.image.licenses': license },
  })
  expect(image.Config.Env).toEqual(expect.arrayContaining(['NODE_ENV=production', 'CAUSEWAY_DATA_DIR=/data']))
  const { Test, Interval, Timeout, StartPeriod, Retries } = image.HealthCheck ?? image.Healthcheck
  expect(Test).toEqual(['CMD', 'node', '/app/bin/livez.mjs'])
  expect([Interval, Timeout, StartPeriod, Retries]).toEqual([10e9, 5e9, 60e9, 3])
  const megabytes = Math.round(image.Size / 1e6)
  console.log(`the image has ${megabytes} MB`)
  expect(megabytes).toBeLessThan(500)
})

test('nothing in it installs, compiles or fetches, nothing is left of building it, and nobody else may write', async () => {
  const programs = 'npm npx yarn yarnpkg corepack gcc cc make python3 git curl wget tsc vite'
  expect(await inside(`for one in ${programs}; do command -v $one || true; done`)).toBe('')
  expect(await inside('ls /app')).toBe(
    ['CHANGELOG.md', 'LICENSE', 'README.md', 'bin', 'connectors', 'dist', 'node_modules', 'package.json', 'src'].join(
      '\n',
    ),
  )
  const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const tools = Object.keys(devDependencies).join(' ')
  const isThere = await inside(`cd /app/node_modules; for one in ${tools}; do [ -d $one ] && echo $one; done; true`)
  // What the program needs too, by way of something else.
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))
  expect(isThere.split('\n').filter((name) => name !== '' && packages[`node_modules/${name}`].dev)).toEqual([])
  const left = ['.env*', '.npmrc', 'npmrc', '*.pem', '*.key', '.git', '.npm', 'admin-token', 'master-key']
  const isOneOf = left.map((name) => `-name '${name}'`).join(' -o ')
  expect(
    await inside(`find / -xdev \\( ${isOneOf} \\) -not -path '/proc/*' -not -path '/app/node_modules/*'`, '0'),
  ).toBe('')
  expect(await inside(`find /app -name '*.ts' -not -name '*.d.ts' -not -path '/app/node_modules/*'`)).toBe('')
  // As its user, in a root that could be written to.
  const known = ['/proc/*', '/sys/*', '/dev/*', '/tmp', '/var/tmp', '/run/lock'].map((path) => `-not -path '${path}'`)
  const writable = await inside(`find / -xdev -writable -not -type l ${known.join(' ')} 2>/dev/null || true`)
  expect(writable.split('\n').sort()).toEqual(['/data', '/hub'])
})

test('with a root nobody may write to, as its user and without any rights it initialises a hub, becomes healthy, and stops in time', async () => {
  const hub = join(folder, 'hub')
  await mkdir(hub)
  await chown(hub, USER, USER)
  await podman('run', '--rm', '--network', 'none', ...CONFINED, '-v', `${hub}:/hub`, IMAGE, 'init', '.')

  const name = 'alone'
  try {
    await podman(
      'run',
      '-d',
      '--name',
      name,
      '--network',
      'none',
      ...CONFINED,
      '-v',
      `${hub}:/hub:ro`,
      '-v',
      'alone:/data',
      IMAGE,
    )
    await expect.poll(() => healthOf(name), { timeout: 60_000, interval: 1000 }).toBe('healthy')
    const status = await podman('exec', name, 'cat', '/proc/1/status')
    expect(status).toMatch(new RegExp(`^Uid:\\s+${USER}\\s+${USER}\\s`, 'm'))
    expect(status).toMatch(/^CapBnd:\s+0+$/m)
    expect(status).toMatch(/^CapEff:\s+0+$/m)
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m)
    await expect(podman('exec', name, 'touch', '/app/bin/one')).rejects.toThrow(/Read-only file system/)

    const began = performance.now()
    await podman('stop', '--time', '40', name)
    // A program that lets itself be killed would take all of it, and end with 137.
    expect(performance.now() - began).toBeLessThan(35_000)
    expect(await podman('inspect', name, '--format', '{{.State.ExitCode}}')).toBe('0')
  } finally {
    await podman('rm', '--force', '--volumes', name)
    await podman('volume', 'rm', '--force', 'alone')
  }
})
