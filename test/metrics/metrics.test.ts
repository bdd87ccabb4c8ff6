/** Metrics over the real server, ledger and sockets; and what dashboards and rules make of them. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { createMetrics, type Metrics } from '../../src/metrics/index.ts'
import { createOutbound, SharedQuotaGate } from '../../src/outbound/index.ts'
import { QuotaBook } from '../../src/store/index.ts'
import { startHub, type TestHub } from '../http/hub.ts'
import { addDeadLetter, addRecord, addRun, type Seeded, seedHub } from '../http/rows.ts'
import { freshDatabase } from '../postgres.ts'

/** A name that no other test calls its connection: calls are counted for the whole process. */
const METERED = 'metered'
const PULLS = 'causeway_runs_total{kind="pull",of="crm:contacts",outcome="success"}'

let hub: TestHub
let metrics: Metrics
let ids: Seeded
beforeAll(async () => {
  const { pool } = await freshDatabase()
  metrics = createMetrics(pool, { version: '1.2.3' })
  hub = await startHub({ metrics, pool })
  ids = await seedHub(pool)
})
afterAll(async () => {
  metrics.close()
  await hub.close()
})

/** Series with their values. */
async function scrape(): Promise<Map<string, number>> {
  const text = await (await hub.get('/metrics')).text()
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}
/** Of ours; those of Node come and go with its handles. */
const ours = (series: Map<string, number>) => [...series.keys()].filter((name) => name.startsWith('causeway_')).sort()

test('nobody reads them without the scope', async () => {
  expect((await fetch(`${hub.url}/metrics`)).status).toBe(401)
  const answer = await hub.get('/metrics')
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  expect(await answer.text()).toContain('# TYPE causeway_sync_freshness_seconds gauge')
})

test('freshness, letters, runs and calls are what happened', async () => {
  await hub.pool.query(`update sync set last_success_at = now() - interval '90 seconds'`)
  const was = await scrape()
  await addDeadLetter(hub.pool, ids.sync, `x-${randomUUID()}`, 'CSW-3008', 'f')
  const running = await addRun(hub.pool, { kind: 'push', syncId: ids.sync, outcome: 'running' })
  await scrape()
  await addRun(hub.pool, { kind: 'pull', streamId: ids.contacts, counts: { read: 12, changed: 3 } })
  await hub.pool.query(
    `update run set outcome = 'partial', finished_at = now(), counts = '{"delivered": 4, "dead": 1}' where id = $1`,
    [running],
  )
  await using system = await listening()
  const client = createOutbound({ connection: METERED, allow: [system.host] })
  await client.request({ url: `http://${system.host}/people/secret-path-1?key=secret-query` })
  await client.request({ url: 'http://127.0.0.1:1/' }).catch(() => {})
  client.close()

  const seen = await scrape()
  const value = (name: string) => seen.get(name)
  /** Counters go on where an earlier try of this test left them. */
  const more = (name: string) => (seen.get(name) ?? 0) - (was.get(name) ?? 0)
  const sync = (await hub.pool.query('select name from sync where id = $1', [ids.sync])).rows[0].name as string
  expect(value(`causeway_sync_freshness_seconds{sync="${sync}"}`)).toBeGreaterThanOrEqual(90)
  expect(more(`causeway_dead_letters_open{sync="${sync}"}`)).toBe(1)
  expect(more('causeway_runs_total{kind="pull",of="crm:contacts",outcome="success"}')).toBe(1)
  expect(more('causeway_run_records_total{kind="pull",of="crm:contacts",count="read"}')).toBe(12)
  expect(more(`causeway_runs_total{kind="push",of="${sync}",outcome="partial"}`)).toBe(1)
  expect(more(`causeway_run_records_total{kind="push",of="${sync}",count="delivered"}`)).toBe(4)
  expect(more('causeway_remote_request_duration_seconds_count{connection="metered",outcome="2xx"}')).toBe(1)
  expect(value(`causeway_build_info{version="1.2.3",node="${process.version}"}`)).toBe(1)
  expect(value('nodejs_eventloop_lag_p99_seconds')).toBeDefined()
  // Counted once, however often it is asked for.
  await scrape()
  expect((await scrape()).get(PULLS)).toBe(seen.get(PULLS))
})

test('what a system says is left of its limit is shown', async () => {
  const buckets = [{ name: 'daily', units: 1_000, seconds: 86_400, refill: 'window', scope: null }] as const
  const gate = new SharedQuotaGate({ connection: 'crm', buckets, concurrent: 1 }, new QuotaBook(hub.pool))
  gate.learn({ bucket: 'daily', remaining: 412 })
  // One that nobody declared could be named by the other side.
  gate.learn({ bucket: 'made-up', remaining: 7 })
  const seen = await scrape()
  expect(seen.get('causeway_quota_remaining{connection="crm",limit="daily"}')).toBe(412)
  expect([...seen.keys()].filter((name) => name.startsWith('causeway_quota_remaining'))).toHaveLength(1)
})

test('records, paths, ids and errors add no series, and none of them is in one', async () => {
  await using system = await listening()
  const client = createOutbound({ connection: METERED, allow: [system.host] })
  const one = async (name: string): Promise<void> => {
    await addRecord(hub.pool, ids.contacts, `person-${name}`, '{}')
    await addDeadLetter(hub.pool, ids.sync, `person-${name}`, 'CSW-3008', `cause-${name}`)
    await addRun(hub.pool, { kind: 'pull', streamId: ids.contacts, counts: { read: 1 } })
    await hub.get(`/api/v1/record?stream=crm:contacts&id=person-${name}`)
    await hub.get(`/no/such/path-${name}`)
    await client.request({ url: `http://${system.host}/people/person-${name}` })
  }
  await one(randomUUID())
  const before = await scrape()
  for (let n = 0; n < 40; n++) await one(randomUUID())
  client.close()
  const after = await scrape()
  expect(ours(after)).toEqual(ours(before))
  expect([...after.keys()].join('\n')).not.toMatch(/person-|cause-|secret|path-/)
  expect(after.get(PULLS)! - before.get(PULLS)!).toBe(40)
})

/** What `promtool check metrics` looks at (https://prometheus.io/docs/practices/naming/), and the labels that we know to be bounded. */
const LABELS = ['connection', 'count', 'kind', 'limit', 'node', 'of', 'outcome', 'sync', 'version']
const NOT_BASE = /_(milliseconds|microseconds|nanoseconds|minutes|hours|days|kilobytes|megabytes|percent|ms|mb|kb)(_|$)/
const TYPE_IN_NAME = /(^|_)(gauge|counter|histogram|summary)(_|$)/
function lint(text: string): string[] {
  const found: string[] = []
  const helps = new Map([...text.matchAll(/^# HELP (\S+) (.*)$/gm)].map(([, name, help]) => [name!, help!]))
  for (const [, name, type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    const say = (what: string) => found.push(`${name}: ${what}`)
    if (!/^[a-z][a-z0-9_]*$/.test(name!) || name!.includes('__')) say('not in snake case')
    if (!helps.get(name!)) say('no help')
    if (type === 'untyped') say('no type')
    if ((type === 'counter') !== name!.endsWith('_total')) say('`_total` is for counters, all of them')
    if (/_(count|sum|bucket)$/.test(name!)) say('ends as the series of a histogram do')
    if (NOT_BASE.test(name!)) say('not in a base unit')
    if (TYPE_IN_NAME.test(name!)) say('its type stands in its name')
  }
  for (const [, name, labels] of text.matchAll(/^(causeway_\w+)\{(.*)\} \S+$/gm))
    for (const [, label] of labels!.matchAll(/(?:^|,)(\w+)="/g))
      if (label !== 'le' && !LABELS.includes(label!))
        found.push(`${name}: the label ${label} is not known to be bounded`)
  return [...new Set(found)]
}

test('names, units, types and labels are as Prometheus has them', async () => {
  const text = await (await hub.get('/metrics')).text()
  expect(text).toMatch(/^# TYPE causeway_remote_request_duration_seconds histogram$/m)
  expect(text).toMatch(/^# TYPE causeway_build_info gauge$/m)
  // prom-client's own gauges of Node are named so.
  const ours = lint(text).filter((line) => !line.startsWith('nodejs_'))
  expect(ours).toEqual([])
  const wrong = '# TYPE causeway_wait_ms counter\ncauseway_wait_ms{record="4711"} 1\n'
  expect(lint(wrong)).toEqual([
    'causeway_wait_ms: no help',
    'causeway_wait_ms: `_total` is for counters, all of them',
    'causeway_wait_ms: not in a base unit',
    'causeway_wait_ms: the label record is not known to be bounded',
  ])
})

const DEPLOY = join(import.meta.dirname, '../../deploy')
/** Names in an expression of PromQL that could be metrics: what is no function, label or keyword there begins as ours do. */
const metricsIn = (expression: string): string[] =>
  [...expression.matchAll(/\b((?:causeway|nodejs|process)_[a-z0-9_]+)/g)].map(([, name]) =>
    name!.replace(/_(bucket|sum|count)$/, (part) => (metrics.names().includes(name!) ? part : '')),
  )

test('every metric that the dashboard and the alert rules name exists', () => {
  const dashboard = JSON.parse(readFileSync(join(DEPLOY, 'grafana/causeway.json'), 'utf8')) as {
    panels: { title: string; targets: { expr: string }[] }[]
  }
  const rules = parse(readFileSync(join(DEPLOY, 'prometheus/causeway-alerts.yaml'), 'utf8')) as {
    groups: { rules: { alert: string; expr: string; annotations: { summary: string; action: string } }[] }[]
  }
  const expressions = [
    ...dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const)),
    ...rules.groups.flatMap((group) => group.rules.map(({ alert, expr }) => [alert, expr] as const)),
  ]
  expect(expressions.length).toBeGreaterThan(15)
  for (const [where, expression] of expressions) {
    const named = metricsIn(expression)
    expect(named.length, `${where} names no metric`).toBeGreaterThan(0)
    for (const name of named) expect(metrics.names(), where).toContain(name)
  }
  for (const { annotations } of rules.groups.flatMap((group) => group.rules)) expect(annotations.action).toBeTruthy()
  // And none of ours is shown nowhere.
  const shown = new Set(expressions.flatMap(([, expression]) => metricsIn(expression)))
  expect(metrics.names().filter((name) => name.startsWith('causeway_') && !shown.has(name))).toEqual([])
})

/** A system that answers everything. */
async function listening(): Promise<{ host: string } & AsyncDisposable> {
  const { createServer } = await import('node:http')
  const server = createServer((_request, response) => response.end('{}'))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as { port: number }
  return {
    host: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}
