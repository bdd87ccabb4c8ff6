/** What is done with connectors outside a running hub: tested, held against descriptions, drafted. */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import {
  type CreatedConnector,
  checkAgainstSpec,
  descriptionOf,
  draftInto,
  type Report,
  type SpecReport,
  testConnector,
} from '../conformance/index.ts'
import { openStore } from '../store/index.ts'
import { catalogueOf } from './project.ts'

/** Runs the contract of connectors against simulators of their systems; without names, of all that have samples. */
export async function testConnectors({ dir, names }: { dir: string; names: string[] }): Promise<Report[]> {
  const catalogue = await catalogueOf(dir, names.length ? new Set(names) : undefined)
  const described = catalogue.list().filter(({ name }) => descriptionOf(catalogue, name) !== null)
  const wanted = names.length ? names : described.map(({ name }) => name)
  const reports: Report[] = []
  for (const name of wanted)
    reports.push(await testConnector(catalogue, name, { services: { postgres: throwAwayPostgres } }))
  return reports
}

/** A database server for one run of the suite, gone with everything in it afterwards. */
async function throwAwayPostgres(): Promise<{ url: string; close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-postgres-'))
  // Started by root, it runs as somebody else, who has to get through.
  await chmod(folder, 0o711)
  const store = await openStore({ folder, durable: false })
  return {
    url: store.url,
    close: async () => {
      await store.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

type Described = { dir: string; name: string; specs: string[] }

export async function checkConnector({ dir, name, specs }: Described): Promise<SpecReport> {
  return checkAgainstSpec(
    await catalogueOf(dir, new Set([name])),
    name,
    specs.map((file) => resolve(dir, file)),
  )
}

/** Writes into `connectors/<name>` of the folder; refuses to touch one that is there. */
export async function createConnector({ dir, name, specs }: Described): Promise<CreatedConnector> {
  return draftInto(
    resolve(dir, 'connectors', name),
    name,
    specs.map((file) => resolve(dir, file)),
  )
}
