import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openHub } from '../../src/assemble/index.ts'
import { createLogger } from '../../src/core/index.ts'
import { auditRefusal, REFUSALS_AN_HOUR } from '../../src/store/index.ts'
import { rawPeer } from '../outbound/peer.ts'
import { freshDatabase } from '../postgres.ts'

const log = createLogger({ level: 'silent', destination: process.stderr })

test('an address that a connection is not let to stands in the audit once an hour, whichever process was refused, and gets no byte', async () => {
  const { pool, url } = await freshDatabase()
  const noted = async () =>
    (
      await pool.query<{ actor: string; subject: string; detail: string }>(
        `select actor, subject, detail from audit where action = 'connection.refused' order by id`,
      )
    ).rows.map(({ detail, ...row }) => ({ ...row, ...JSON.parse(detail) }))
  let sockets = 0
  const port = await rawPeer(() => sockets++)
  const folder = await mkdtemp(join(tmpdir(), 'causeway-refusals-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const connection = (name: string, host: string) =>
    `  ${name}: { connector: sample-crm, settings: { url: "http://${host}:${port}" }, secrets: { key: env:KEY } }\n`
  await writeFile(
    join(folder, 'causeway.yaml'),
    `hub: {}\nconnections:\n${connection('plain', '127.0.0.1')}${connection('named', 'localhost')}`,
  )
  const env = { CAUSEWAY_DATABASE_URL: url, KEY: 'k' }
  const open = () => openHub({ dir: folder, role: 'serve', env, logger: log })
  const hubs = [await open(), await open()]
  try {
    for (const hub of hubs) {
      for (const name of ['plain', 'named', 'plain', 'named']) {
        const steps = await hub.services.probe(name, AbortSignal.timeout(60_000))
        expect(JSON.stringify(steps)).toContain('CSW-3010')
      }
    }
  } finally {
    // What was refused just before the end is written all the same.
    for (const hub of hubs) await hub.close()
  }
  expect(sockets).toBe(0)
  const refusal = { actor: 'hub', port, kind: 'loopback' }
  expect(await noted()).toEqual([
    { ...refusal, subject: 'connection:plain', host: '127.0.0.1', address: '127.0.0.1' },
    {
      ...refusal,
      subject: 'connection:named',
      host: 'localhost',
      address: expect.stringMatching(/^(127\.0\.0\.1|::1)$/),
    },
  ])

  const other = (n: number) => ({ host: `10.0.0.${n}`, address: `10.0.0.${n}`, port: 80, kind: 'private' })
  for (let n = 0; n < REFUSALS_AN_HOUR + 5; n++) await auditRefusal(pool, 'plain', other(n))
  expect((await noted()).filter(({ subject }) => subject === 'connection:plain')).toHaveLength(REFUSALS_AN_HOUR)
})
