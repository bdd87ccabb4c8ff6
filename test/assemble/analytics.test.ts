import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { analyticsSweep } from '../../src/assemble/analytics.ts'
import { readHubFiles } from '../../src/assemble/files.ts'
import { toModel, toShape } from '../../src/assemble/model.ts'
import { createLogger, JsonText } from '../../src/core/index.ts'
import { createLedger, makeFilesDue } from '../../src/store/index.ts'
import { listAnalyticsTables } from '../../src/store/views/index.ts'
import { freshDatabase } from '../postgres.ts'

const HUB = (analytics: string, keep = '{}') => `connections:
  crm:
    connector: sample-crm
    settings: { url: "http://127.0.0.1:1" }
    secrets: { key: env:KEY }
    keep: ${keep}
  desk-2:
    connector: sample-crm
    settings: { url: "http://127.0.0.1:1" }
    secrets: { key: env:KEY }
analytics:
${analytics}
`
const MAPPING = `from: crm:contacts
to: desk-2:contacts
match: [email]
with:
  company: { from: crm:companies, key: companyId }
map:
  email: email
  lastName: lastName
  jobTitle: $substring($company.name, 0, 100)
`

async function read(hub: string) {
  const dir = await mkdtemp(join(tmpdir(), 'causeway-analytics-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  await mkdir(join(dir, 'mappings'))
  await writeFile(join(dir, 'causeway.yaml'), hub)
  await writeFile(join(dir, 'mappings', 'copy.yaml'), MAPPING)
  return { dir, files: await readHubFiles({ dir, env: { KEY: 'x' } }) }
}

test('what cannot be followed is found where it stands', async () => {
  const found = async (...args: Parameters<typeof HUB>) =>
    (await read(HUB(...args))).files.findings.map(({ code, message, fix, place }) => [
      code,
      `${message} ${fix}`,
      place.line,
    ])
  expect(await found('  bi: { streams: ["crm:contact"] }')).toEqual([
    ['CSW-1007', expect.stringContaining('Did you mean "crm:contacts"?'), 12],
  ])
  expect(await found('  bi: { streams: ["*"], history: ["erp:*"] }')).toEqual([
    ['CSW-1007', expect.stringContaining('no stream "erp:*"'), 12],
  ])
  expect(await found('  bi: { streams: ["crm:contacts"] }', '{ contacts: used }')).toEqual([
    ['CSW-1009', expect.stringContaining('not kept in full'), 12],
  ])
  expect(await found('  bi: { streams: ["crm:*"] }', '{ contacts: used }')).toEqual([])
  expect(await found('  bi: { schema: causeway, streams: ["*"] }')).toEqual([
    ['CSW-1005', expect.stringContaining('not for tables'), 12],
  ])
  expect(await found('  bi: { streams: ["*"] }\n  b2: { schema: bi, streams: ["*"] }')).toEqual([
    ['CSW-1005', expect.stringContaining('that of bi already'), 13],
  ])
  expect(
    await found('  bi: { streams: ["*"], files: { folder: x } }\n  b2: { streams: ["*"], files: { folder: ./x } }'),
  ).toEqual([['CSW-1005', expect.stringContaining('that of bi already'), 13]])
  expect(await found('  bi: { streams: ["*"], formats: [] }')).toEqual([
    ['CSW-1005', expect.stringContaining('formats'), 12],
  ])
})

test('streams stand in tables and files, and a target that Postgres refuses holds up no other one', async () => {
  const { pool } = await freshDatabase()
  const { dir, files } = await read(
    HUB(`  refused: { streams: ["crm:companies"], readers: [reader_of_refused] }
  bi: { streams: ["crm:*"], history: ["crm:contacts"], files: { folder: out, format: csv } }`),
  )
  expect(files.findings).toEqual([])
  const ledger = createLedger(pool)
  const registry = await ledger.registerHub(toShape(files.config.connections.values(), files.syncs, files.entities))
  const model = toModel(registry, files.syncs, files.entities)
  await ledger.commitPage({
    streamId: model.streamId({ connection: 'crm', stream: 'contacts' })!,
    records: [
      {
        id: 'c1',
        version: '1',
        hash: 'h',
        body: JsonText.from('{"id":"c1","lastName":"Żak","email":"zak@x.test","shoeSize":41.50}'),
        content: null,
        keys: [],
        deleted: false,
        aliases: [],
      },
    ],
    rejected: [],
    requestedAt: new Date(),
    runId: null,
  })
  const lines: string[] = []
  const log = createLogger({ level: 'error', destination: { write: (line) => lines.push(line) } })
  const sweep = analyticsSweep({ pool, files: () => files, model: () => model, log, dir })
  await sweep.run(AbortSignal.timeout(60_000))
  expect(lines.map((line) => JSON.parse(line).err?.what ?? line)).toEqual([
    expect.stringContaining('role "reader_of_refused" does not exist'),
  ])
  // It is tried again, and said once.
  await sweep.run(AbortSignal.timeout(60_000))
  expect(lines).toHaveLength(1)
  await pool.query('create role reader_of_refused')
  await sweep
    .run(AbortSignal.timeout(60_000))
    .finally(() => pool.query('drop owned by reader_of_refused; drop role reader_of_refused'))
  expect((await pool.query('select role from analytics_reader')).rows).toEqual([{ role: 'reader_of_refused' }])
  const { rows } = await pool.query('select last_name, email, _more::text as more from bi.crm_contacts')
  expect(rows).toEqual([{ last_name: 'Żak', email: 'zak@x.test', more: '{"shoeSize": 41.50}' }])
  expect((await listAnalyticsTables(pool)).map(({ schema, name, behind }) => [schema, name, behind])).toEqual([
    ['bi', 'crm_companies', 0],
    ['bi', 'crm_contacts', 0],
    ['refused', 'crm_companies', 0],
  ])
  expect((await readdir(join(dir, 'out'))).sort()).toEqual([
    '.causeway-files.json',
    'crm_companies.csv',
    'crm_contacts.csv',
    'crm_contacts_history.csv',
    'links.csv',
  ])
  expect(await readFile(join(dir, 'out', 'crm_contacts.csv'), 'utf8')).toContain('Żak')

  // A stream that is kept in part from now on leaves its files too; what others put there stays.
  await writeFile(join(dir, 'out', 'of_others.csv'), 'x')
  await writeFile(
    join(dir, 'causeway.yaml'),
    HUB('  bi: { streams: ["crm:*"], files: { folder: out, format: parquet } }', '{ contacts: used }'),
  )
  const later = await readHubFiles({ dir, env: { KEY: 'x' } })
  expect(later.findings.filter(({ severity }) => severity === 'error')).toEqual([])
  await makeFilesDue(pool, 'bi')
  const again = analyticsSweep({ pool, files: () => later, model: () => model, log, dir })
  await again.run(AbortSignal.timeout(60_000))
  expect((await readdir(join(dir, 'out'))).sort()).toEqual([
    '.causeway-files.json',
    'crm_companies.parquet',
    'links.parquet',
    'of_others.csv',
  ])
})
