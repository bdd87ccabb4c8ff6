/** The examples of docs/analytics.md: the entry is sound, and the question in SQL has an answer. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { analyticsSweep } from '../../src/assemble/analytics.ts'
import { readHubFiles } from '../../src/assemble/files.ts'
import { toModel, toShape } from '../../src/assemble/model.ts'
import { createLogger } from '../../src/core/index.ts'
import { createLedger } from '../../src/store/index.ts'
import { freshDatabase } from '../postgres.ts'

const CONNECTIONS = `connections:
  crm: { connector: sample-crm, settings: { url: "http://127.0.0.1:1" }, secrets: { key: env:KEY } }
  erp: { connector: sample-erp, settings: { url: "http://127.0.0.1:1" }, secrets: { password: env:KEY } }
`
const MAPPINGS = {
  customers: `from: crm:contacts
to: erp:customers
match: [email]
map: { name: lastName, email: email }
`,
  companies: `from: erp:invoices
to: crm:companies
match: [domain]
map: { name: number, domain: customerId }
`,
}

test('the entry of the guide is sound, and its question in SQL has an answer', async () => {
  const guide = await readFile(join(import.meta.dirname, '../../docs/analytics.md'), 'utf8')
  const block = (start: string): string => guide.split(start)[1]!.split('```')[0]!
  const role = 'metabase'
  const dir = await mkdtemp(join(tmpdir(), 'causeway-guide-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  await mkdir(join(dir, 'mappings'))
  const entry = block('```yaml causeway.yaml\n').replace('"erp:customers"', '"erp:customers", "erp:invoices"')
  const { pool, name } = await freshDatabase()
  await writeFile(join(dir, 'causeway.yaml'), CONNECTIONS + entry.replace(role, `${role}_${name}`))
  for (const [file, text] of Object.entries(MAPPINGS)) await writeFile(join(dir, 'mappings', `${file}.yaml`), text)
  const files = await readHubFiles({ dir, env: { KEY: 'x' } })
  expect(files.findings.filter(({ message }) => message.startsWith('analytics'))).toEqual([])
  const registry = await createLedger(pool).registerHub(
    toShape(files.config.connections.values(), files.syncs, files.entities),
  )
  const model = toModel(registry, files.syncs, files.entities)
  await pool.query(`create role "${role}_${name}"`)
  try {
    const lines: string[] = []
    const log = createLogger({ level: 'error', destination: { write: (line) => lines.push(line) } })
    const sweep = analyticsSweep({ pool, files: () => files, model: () => model, log, dir })
    await sweep.run(AbortSignal.timeout(60_000))
    expect(lines).toEqual([])
    expect((await pool.query(block('```sql\n'))).fields.map(({ name }) => name)).toEqual(['email', 'number', 'gross'])
  } finally {
    await pool.query(`drop owned by "${role}_${name}"; drop role "${role}_${name}"`)
  }
})
