import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { expect, test } from 'vitest'
import { describeEmbedded } from '../../src/store/index.ts'
import { HubProcess, hubFolder, until } from '../e2e/hub-process.ts'
import { MAPPING, Peer } from '../e2e/peer.ts'

const CONNECTIONS = 1_000
/** So many are asked to run at once; the others stand by with their queues. */
const RUNNING = 100
const SESSIONS = 25

test('1,000 connections are shown as if each had a queue, and cost no more than 25 Postgres sessions', {
  timeout: 900_000,
}, async () => {
  const peer = await Peer.start()
  peer.fill(3)
  const names = Array.from({ length: CONNECTIONS }, (_, i) => `peer${i}`)
  const connection = (name: string): string =>
    `  ${name}:\n    connector: peer\n    settings: { url: "${peer.url}" }\n    secrets: { token: "env:PEER_TOKEN" }\n    allow: [127.0.0.1]\n`
  const dir = await hubFolder(peer.url, { hub: `connections:\n${names.map(connection).join('')}`, mappings: {} })
  for (let i = 0; i < CONNECTIONS; i++) {
    await writeFile(
      join(dir, `mappings/sync${i}.yaml`),
      MAPPING.replaceAll('peer:', `peer${i}:`).replace('external_id: id', `external_id: '"${i}-" & id'`),
    )
  }
  const hub = await HubProcess.start(dir)
  const embedded = await describeEmbedded(join(dir, '.causeway'))
  const client = new pg.Client({ connectionString: embedded!.url })
  await client.connect()
  let most = 0
  const count = async (): Promise<void> => {
    const { rows } = await client.query<{ n: string }>(
      "select count(*) as n from pg_stat_activity where datname is not null and pid <> pg_backend_pid() and backend_type = 'client backend'",
    )
    most = Math.max(most, Number(rows[0]!.n))
  }
  try {
    await Promise.all(Array.from({ length: RUNNING }, (_, i) => hub.api('POST', `/syncs/sync${i}/run`, { full: true })))
    await until(
      async () => {
        await count()
        return peer.customers.size
      },
      (size) => size === RUNNING * 3,
      600_000,
    )
  } finally {
    await client.end()
  }
  expect(most).toBeLessThanOrEqual(SESSIONS)
  const { items } = await hub.api<{ items: { connection: string }[] }>('GET', '/queues')
  expect(new Set(items.map((queue) => queue.connection)).size).toBe(CONNECTIONS)
})
