/** What is done with connectors outside a running hub: tested, held against descriptions, drafted. */
import { resolve } from 'node:path'
import {
  type CreatedConnector,
  checkAgainstSpec,
  descriptionOf,
  draftInto,
  type Report,
  type SpecReport,
  testConnector,
} from '../conformance/index.ts'
import { catalogueOf } from './project.ts'

/** Runs the contract of connectors against simulators of their systems; without names, of all that have samples. */
export async function testConnectors({ dir, names }: { dir: string; names: string[] }): Promise<Report[]> {
  const catalogue = await catalogueOf(dir, names.length ? new Set(names) : undefined)
  const described = catalogue.list().filter(({ name }) => descriptionOf(catalogue, name) !== null)
  const wanted = names.length ? names : described.map(({ name }) => name)
  const reports: Report[] = []
  for (const name of wanted) reports.push(await testConnector(catalogue, name))
  return reports
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
