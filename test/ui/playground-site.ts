/** A hub with one sync whose mapping the playground may try: two systems, records, a letter, and files. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sampleEnvironment } from '../../sandbox/index.ts'
import { readHubFiles } from '../../src/assemble/files.ts'
import { saveTest } from '../../src/assemble/planning.ts'
import { completeMapping, tryMapping } from '../../src/assemble/playground.ts'
import { createMappingRunner, readSoundMapping } from '../../src/mapping/index.ts'
import { one, TestHub, type TestSync } from '../pipeline/hub.ts'
import { MemorySystem } from '../pipeline/memory-system.ts'
import { freshDatabase } from '../postgres.ts'
import { type Site, startSite } from './browser.ts'

const FILE = 'mappings/contacts.yaml'
export const SOURCE = `from: crm:contacts
to: helpdesk:requesters
match: [email]
map:
  email: $lowercase(email)
  name: firstName & " " & lastName
tests:
  - name: the address is written small
    given: { id: "1", body: { email: A@EXAMPLE.ORG, firstName: Ada, lastName: L } }
    expect: { contains: { email: a@example.org } }
`
const { definition } = readSoundMapping(SOURCE, FILE)
const sync: TestSync = {
  name: 'contacts',
  from: 'crm:contacts',
  to: 'helpdesk:requesters',
  match: [['email']],
  source: SOURCE,
  version: definition.version,
  // Its text joins nothing; one that somebody writes may.
  joins: [{ name: 'company', from: { connection: 'crm', stream: 'companies' }, field: null, take: 'one' }],
  run: ({ email }) => one({ email: String(email).toLowerCase() }),
}

export async function openPlayground(): Promise<{ site: Site; close: () => Promise<void> }> {
  const crm = new MemorySystem().stream('contacts').stream('companies')
  crm.put('companies', 'k1', { name: 'Analytical Engines' })
  const helpdesk = new MemorySystem().stream('requesters')
  crm.put('contacts', 'c1', { email: 'ADA@Example.org', firstName: 'Ada', lastName: 'Lovelace' })
  crm.put('contacts', 'c2', { email: 'EVE@Example.org', firstName: 'Eve', lastName: 'Nul' })
  const hub = await TestHub.open({ crm, helpdesk }, [sync], (await freshDatabase()).pool)
  hub.ports.model().syncByName('contacts')!.definition.file = FILE
  await hub.pull('crm:companies')
  await hub.pull('crm:contacts')
  await hub.pool.query(
    `insert into dead_letter (kind, sync_id, record_id, part, code, fingerprint, error, input)
     select 'push', id, 'c1', '', 'CSW-3008', 'f', '{"code":"CSW-3008","what":"no"}', $1 from sync`,
    ['{"email":"LETTER@example.org","firstName":"Dead","lastName":9223372036854775807}'],
  )
  const folder = await mkdtemp(join(tmpdir(), 'causeway-playground-'))
  await mkdir(join(folder, 'mappings'))
  const system = (name: string, key: string, more = '') =>
    `  ${name}: { connector: sample-${name}, settings: { url: "http://127.0.0.1:9"${more} }, secrets: { ${key}: env:KEY }, allow: [127.0.0.1] }\n`
  await writeFile(
    join(folder, 'causeway.yaml'),
    `connections:\n${system('crm', 'key')}${system('helpdesk', 'token', ', email: a@example.org')}`,
  )
  await writeFile(join(folder, FILE), SOURCE)
  const files = await readHubFiles({ dir: folder, env: sampleEnvironment() })
  const runner = createMappingRunner({ timeLimitMs: 2_000 })
  const ports = { ...hub.ports, mappings: runner }
  const parts = { ports, mappings: runner, files: () => files }
  const site = await startSite({
    pool: hub.pool,
    services: {
      syncs: () => [{ ...definition, name: 'contacts' }],
      tryMapping: (name, request, signal) => tryMapping(parts, name, request, signal),
      completeMapping: (name, request) => completeMapping(parts, name, request),
      saveTest: (name, request, signal) => saveTest(ports, name, request, signal),
    },
  })
  const close = async (): Promise<void> => {
    await site.close()
    await runner.close()
    await rm(folder, { recursive: true })
  }
  return { site, close }
}
