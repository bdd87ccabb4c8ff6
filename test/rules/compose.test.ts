/** What `compose.yaml` takes for granted of the program and of its image. The file itself is held against the specification in test/chart. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { COMMANDS } from '../../src/cli/commands/index.ts'
import { SETTING_NAMES, SETTINGS } from '../../src/config/index.ts'

const ROOT = join(import.meta.dirname, '../..')
const text = readFileSync(join(ROOT, 'compose.yaml'), 'utf8')
const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')

type Service = {
  image: string
  build?: string
  command?: string[]
  environment: Record<string, string | number>
  env_file?: { path: string }[]
  volumes: string[]
  depends_on?: Record<string, { condition: string }>
  healthcheck?: { test: string[] }
  read_only?: boolean
  tmpfs?: string[]
  ports?: string[]
  expose?: string[]
  stop_grace_period?: string
  restart?: string
  logging?: { options: Record<string, string> }
}
const { services, volumes } = parse(text, { merge: true }) as {
  services: Record<string, Service>
  volumes: Record<string, unknown>
}
const hubs = Object.entries(services).filter(([, { build }]) => build !== undefined)

test('processes of the hub are two roles of one image, with variables that the program reads', () => {
  expect(hubs.map(([name, { command }]) => [name, command])).toEqual([
    ['serve', ['serve']],
    ['worker', ['worker']],
  ])
  for (const [, { command }] of hubs) expect(COMMANDS.map(({ name }) => name)).toContain(command![0])
  const read = SETTING_NAMES.flatMap((name) => [`CAUSEWAY_${name.toUpperCase()}`, ...SETTINGS[name].alsoEnv])
  const given = hubs.flatMap(([, { environment }]) => Object.keys(environment))
  expect(given.filter((name) => !read.includes(name))).toEqual([])
  const ofImage = [...(/^ENV (.+)$/m.exec(dockerfile)?.[1] ?? '').matchAll(/(CAUSEWAY_\w+)=/g)].map(([, name]) => name!)
  expect(ofImage.filter((name) => !read.includes(name))).toEqual([])
})

test('what a process waits for is there and looked after, and its addresses are those of the others', () => {
  for (const [, { depends_on, environment }] of hubs) {
    for (const name of Object.keys(depends_on!)) expect(services[name]?.healthcheck, name).toBeDefined()
    const hosts = [environment.DATABASE_URL, environment.REDIS_URL].map(
      (url) =>
        // Without a default a variable stands for what somebody sets.
        new URL(String(url).replace(/\$\{\w+:-(\w+)\}/g, '$1')).hostname,
    )
    expect(hosts.sort()).toEqual(Object.keys(depends_on!).sort())
  }
  const { environment } = services.postgres!
  const url = new URL(String(services.serve!.environment.DATABASE_URL).replace(/\$\{\w+:-(\w+)\}/g, '$1'))
  expect([url.username, url.password, url.pathname.slice(1)]).toEqual([
    environment.POSTGRES_USER,
    String(environment.POSTGRES_PASSWORD).replace(/\$\{\w+:-(\w+)\}/g, '$1'),
    environment.POSTGRES_DB,
  ])
})

test('a probe asks where its process listens; only the hub is reached from outside, and from this machine', () => {
  const { worker, serve } = services as { worker: Service; serve: Service }
  const port = worker.environment.CAUSEWAY_METRICS_PORT
  expect(worker.healthcheck!.test).toEqual(['CMD', 'node', '/app/bin/livez.mjs', String(port)])
  expect(dockerfile).toContain('CMD ["node", "/app/bin/livez.mjs"]')
  expect(worker.expose).toEqual([String(port)])
  expect(serve.ports).toEqual([`127.0.0.1:${SETTINGS.port.default}:${SETTINGS.port.default}`])
  expect(dockerfile).toContain(`EXPOSE ${SETTINGS.port.default}`)
  for (const [name, { ports }] of Object.entries(services)) if (name !== 'serve') expect(ports, name).toBeUndefined()
})

test('what is kept lies in volumes, the rest is read-only, and no log fills the disk', () => {
  for (const [name, service] of Object.entries(services)) {
    const named = service.volumes.map((volume) => volume.split(':')[0]!).filter((from) => /^\w+$/.test(from))
    expect(named.length, name).toBeGreaterThan(0)
    expect(
      named.filter((from) => !(from in volumes)),
      name,
    ).toEqual([])
    expect(service.restart, name).toBe('unless-stopped')
    expect(service.logging?.options['max-size'], name).toMatch(/^\d+m$/)
  }
  for (const [name, service] of hubs) {
    expect(service, name).toMatchObject({ read_only: true, tmpfs: ['/tmp'] })
    expect(service.volumes.map((volume) => volume.replace(/^.*?(:\/[^:]+)/, '$1'))).toEqual([':/hub:ro', ':/data'])
    const seconds = Number(/^(\d+)s$/.exec(service.stop_grace_period!)?.[1])
    expect(seconds, name).toBeGreaterThan(Number(SETTINGS.shutdown_seconds.default))
  }
  expect(dockerfile).toMatch(/VOLUME \/data/)
})

test('the image says what it is: the version of the package, its licence, and what it stands on', () => {
  const { version, license } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<string, string>
  const labels = new Map(
    [...dockerfile.matchAll(/org\.opencontainers\.image\.([a-z.]+)="([^"]+)"/g)].map(([, name, value]) => [
      name!,
      value!,
    ]),
  )
  expect(labels.get('version')).toBe(version)
  expect(labels.get('licenses')).toBe(license)
  const base = /^FROM (\S+)$/m.exec(dockerfile)![1]
  expect(labels.get('base.name')).toBe(`docker.io/library/${base}`)
  for (const name of ['title', 'description']) expect(labels.get(name), name).toBeTruthy()
})
