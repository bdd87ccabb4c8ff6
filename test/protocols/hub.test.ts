/**
 * A whole hub between two simulated installations of a system, for each protocol, on both queues: every record arrives once, also where an
 * answer is lost; what changes follows, nothing else is written.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { loadConnectors } from '../../src/connector/index.ts'
import { parseYamlData } from '../../src/core/index.ts'
import { at, type Installation, type Item, readDescription, simulate } from '../../src/simulator/index.ts'
import { HubProcess, hubFolder, until } from '../e2e/hub-process.ts'
import { madeOnce } from '../made-once.ts'
import { redisMissing, redisRequired, startRedis } from '../queue/redis-server.ts'
import { CASES, type Case } from './cases.ts'

const RECORDS = 36
const CONNECTORS = join(import.meta.dirname, '../../connectors')
const catalogue = loadConnectors(
  [CONNECTORS],
  new Set(CASES.flatMap(({ connector, into }) => [connector, ...(into ? [into.connector] : [])])),
)

test('every protocol, queue on Postgres', () => everyProtocol({}))

test.skipIf(redisMissing() !== undefined && !redisRequired)('every protocol, queue on Redis', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  await everyProtocol({ REDIS_URL: `redis://127.0.0.1:${redis.port}` })
})

/** What a case says of one side of it. */
type Side = NonNullable<Case['into']>
type Pair = { given: Case; source: Installation; target: Installation; into: Side }

async function everyProtocol(env: Record<string, string>): Promise<void> {
  const pairs = await Promise.all(
    CASES.map(
      async (given): Promise<Pair> => ({
        ...{ given, into: given.into ?? given },
        ...{ source: await simulated(given), target: await simulated(given.into ?? given) },
      }),
    ),
  )
  // The target holds every other record already: half of them are found there, half are made.
  for (const { into, target } of pairs)
    for (const [index, entry] of records(target, into).entries())
      if (index % 2) await target.remove(into.collection, [entry.id])
  const { files, secrets } = await folderFor(pairs)
  const hub = await HubProcess.start(await hubFolder('http://127.0.0.1:1', files), { ...env, ...secrets })

  await runAll(hub, pairs, true)
  for (const pair of pairs) expectAlike(pair)

  for (const { given, source, target } of pairs) {
    await change(given, source)
    // The first record that is made anew exists there, and nobody is told so.
    target.faults.add({ kind: 'lost', when: ({ write }) => write })
  }
  await runAll(hub, pairs, false)
  for (const pair of pairs) expectAlike(pair)

  const marks = () => pairs.map(({ given, into, target }) => `${given.protocol} ${target.table(into.collection).mark}`)
  const before = marks()
  await runAll(hub, pairs, false)
  expect(marks()).toEqual(before)
}

async function simulated({ connector, collection }: Side): Promise<Installation> {
  const description = readDescription(join(CONNECTORS, connector, 'samples/api.yaml'))
  // Enough for several pages and batches; a system that takes one call a second is not kept busy for minutes.
  description.collections[collection]!.count = RECORDS
  const postgres = async () => ({ url: await madeOnce('postgres'), close: () => Promise.resolve() })
  const simulator = simulate(description, { postgres })
  await simulator.start()
  onTestFinished(() => simulator.stop())
  return simulator
}

/** Files of the hub: two connections and a sync for each protocol. Secrets go by the environment. */
async function folderFor(pairs: Pair[]) {
  const secrets: Record<string, string> = {}
  const connections: Record<string, object> = {}
  const mappings: Record<string, string> = {}
  for (const { given, into, source, target } of pairs) {
    const { protocol, mapping, settings } = given
    for (const [role, simulator, { connector }] of [
      ['source', source, given],
      ['target', target, into],
    ] as const) {
      const name = `${protocol}-${role}`
      const plain: Item = {}
      const references: Record<string, string> = {}
      for (const [setting, value] of Object.entries({ ...(await simulator.settings()), ...settings })) {
        if (!secretSettings(connector).has(setting)) plain[setting] = value
        else {
          const variable = `TEST_${name}_${setting}`.toUpperCase().replaceAll('-', '_')
          secrets[variable] = String(value)
          references[setting] = `env:${variable}`
        }
      }
      connections[name] = { connector, settings: plain, secrets: references, allow: ['127.0.0.1'] }
    }
    mappings[`${protocol}.yaml`] =
      `from: ${protocol}-source:${given.stream}\nto: ${protocol}-target:${into.stream}\n${mapping}\nretry: { attempts: 6, base: 1s, cap: 5s }\nschedule: manual\n`
  }
  return { secrets, files: { hub: JSON.stringify({ connections }), mappings } }
}

function secretSettings(connector: string): Set<string> {
  const { file } = catalogue.get(connector).describe()
  const { settings } = parseYamlData(readFileSync(file, 'utf8')) as { settings: Record<string, { secret?: boolean }> }
  return new Set(Object.keys(settings).filter((name) => settings[name]!.secret))
}

const records = (simulator: Installation, { collection, stream, key }: Side) =>
  simulator
    .table(collection)
    .entries.filter(({ deleted, record }) => !deleted && keyOf(record, key) !== '' && isOf(simulator, stream, record))

const keyOf = (record: Item, key: string): string => String(at(record, key) || '')

/** A collection may hold the records of several streams (files and folders). */
function isOf(simulator: Installation, stream: string, record: Item): boolean {
  const only = simulator.description.streams[stream]?.only ?? {}
  return Object.entries(only).every(([path, value]) => at(record, path) === value)
}

/** Three records change and one is new. */
async function change(given: Case, source: Installation): Promise<void> {
  const table = source.table(given.collection)
  const now = Date.now()
  for (const [n, entry] of records(source, given).slice(4, 7).entries()) {
    if (given.change) await table.update(entry, given.change(n, entry.record), 'deep', now)
    else {
      await table.fill(entry, Buffer.from(`Zażółć ${n}\n`.repeat(50)))
      await table.touch(entry, now)
    }
  }
  if (given.created) await table.create(structuredClone(given.created), now)
}

/** Runs all syncs until each has delivered everything: what failed or is in doubt is looked up and sent by a later run. */
async function runAll(hub: HubProcess, pairs: Pair[], full: boolean): Promise<void> {
  await Promise.all(
    pairs.map(async ({ given: { protocol } }) => {
      const last = await until(
        () => run(hub, protocol, full),
        ({ outcome }) => outcome === 'success',
        400_000,
      )
      const { items } = await hub.api<{ items: { sync: string }[] }>('GET', '/dead-letters')
      expect({ ...last, letters: items.filter(({ sync }) => sync === protocol) }).toMatchObject({
        outcome: 'success',
        letters: [],
      })
    }),
  )
  for (const { target } of pairs) await target.refresh()
}

async function run(hub: HubProcess, sync: string, full: boolean) {
  const { requestId } = await hub.api<{ requestId: string }>('POST', `/syncs/${sync}/run`, full ? { full } : {})
  return until(
    () =>
      hub.api<{ state: string; outcome: string | null; error: unknown }>('GET', `/syncs/${sync}/requests/${requestId}`),
    ({ state }) => state === 'finished',
    400_000,
  )
}

/** Every record of the source is in the target once, with what is carried. */
function expectAlike({ given, into, source, target }: Pair): void {
  const there = Map.groupBy(records(target, into), ({ record }) => keyOf(record, into.key))
  const shown = (entry: { record: Item; bytes?: Buffer } | undefined, { changed }: Side) =>
    changed ? entry && (at(entry.record, changed) || null) : entry?.bytes?.toString('base64')
  // A key that stands nowhere would make all alike.
  expect(records(source, given).length).toBeGreaterThanOrEqual(RECORDS / 2)
  const wrong = records(source, given).flatMap((entry) => {
    const key = keyOf(entry.record, given.key)
    const found = there.get(key) ?? []
    const [held, due] = [shown(found[0], into), shown(entry, given)]
    return found.length === 1 && held === due
      ? []
      : [`${given.protocol} ${key}: ${found.length} there, ${held} instead of ${due}`]
  })
  expect(wrong).toEqual([])
}
