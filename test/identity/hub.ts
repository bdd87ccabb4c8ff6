import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import { type EntityType, type RoundCounts, runRound } from '../../src/identity/index.ts'
import { readEntityType } from '../../src/identity/read.ts'
import { createMappingRunner, type SandboxedRunner } from '../../src/mapping/index.ts'
import { createIdentityBook, type IdentityBook } from '../../src/store/index.ts'
import { atEndOfFile } from '../end-of-file.ts'
import { one, TestHub, type TestSync } from '../pipeline/hub.ts'
import { MemorySystem } from '../pipeline/memory-system.ts'

export const personText = readFileSync(join(import.meta.dirname, 'people.yaml'), 'utf8')

export function personType(text = personText): EntityType {
  const { type, findings } = readEntityType(text, 'people.yaml')
  if (!type) throw new Error(JSON.stringify(findings))
  return type
}

/** Entity views run in the same sandbox as in a hub; one for all tests of a file. */
let runner: SandboxedRunner | undefined
function sandbox(): SandboxedRunner {
  if (!runner) {
    const started = createMappingRunner()
    runner = started
    atEndOfFile(async () => {
      // The next file may run in the same process.
      runner = undefined
      await started.close()
    })
  }
  return runner
}

/** It finds nobody by itself: whoever is not linked is created. */
const toErp: TestSync = {
  name: 'to-erp',
  from: 'crm:people',
  to: 'erp:people',
  run: (person) => one({ name: `${person.firstName} ${person.lastName}`, mail: person.email ?? null }),
}

/** Two systems that know people, a sync from one to the other, and the matcher between them. */
export type TwoSystemsHub = {
  hub: TestHub
  crm: MemorySystem
  erp: MemorySystem
  book: IdentityBook
  crmStream: number
  erpStream: number
  /** Everything that was pulled is held against each other. */
  match(type?: EntityType): Promise<RoundCounts | null>
}

export async function openTwoSystems(database?: pg.Pool, sync: Partial<TestSync> = {}): Promise<TwoSystemsHub> {
  const crm = new MemorySystem().stream('people')
  const erp = new MemorySystem().stream('people', { lookup: [] })
  for (const system of [crm, erp]) system.pageSize = 200
  const hub = await TestHub.open({ crm, erp }, [{ ...toErp, ...sync }], database)
  const { ports } = hub
  const streamId = ports.model().streamId
  const [crmStream, erpStream] = ['crm', 'erp'].map((connection) => streamId({ connection, stream: 'people' })!)
  ports.model().entities = [{ name: 'person', streams: [crmStream!, erpStream!] }]
  const book = createIdentityBook(hub.pool)
  const { ledger, holdLease, log } = ports
  return {
    hub,
    crm,
    erp,
    book,
    crmStream: crmStream!,
    erpStream: erpStream!,
    match: (type = personType()) =>
      runRound({ ledger, book, mappings: sandbox(), holdLease, streamId, log }, type, new AbortController().signal),
  }
}
