/** A connector against its vendor's own description of the API. */
import { readFileSync } from 'node:fs'
import { readApiDocuments, SOAP_METHOD } from '../apispec/index.ts'
import type { Catalogue } from '../connector/index.ts'
import { parseYaml } from '../core/index.ts'
import { readDescription } from '../simulator/index.ts'
import { excuseLeftOut } from './spec-left-out.ts'
import { recordedRows } from './spec-recorded.ts'
import type { SpecRow } from './spec-rows.ts'
import { SpecWalk } from './spec-walk.ts'
import { descriptionOf, REFUSALS, recordConnector } from './suite.ts'

export type SpecReport = {
  connector: string
  specs: string[]
  rows: SpecRow[]
  counts: Record<SpecRow['verdict'], number>
  ok: boolean
}

/** Holds every request and every member that is read against a description file (OpenAPI 3, Swagger 2, OData CSDL, WSDL, GraphQL). */
export async function checkAgainstSpec(catalogue: Catalogue, name: string, files: string[]): Promise<SpecReport> {
  const document = readApiDocuments(files)
  const connector = catalogue.get(name).describe()
  const yaml = parseYaml(readFileSync(connector.file, 'utf8'), connector.file)
  const walk = new SpecWalk(yaml, connector, document)
  const rows = walk.run()
  // Calls of a SOAP service all go to one address, which says nothing of them.
  const told = document.graphql !== undefined || document.operations.some(({ method }) => method !== SOAP_METHOD)
  const samples = descriptionOf(catalogue, name)
  if (told && samples !== null) {
    // What is sent to be refused is wrong on purpose.
    const { served } = await recordConnector(catalogue, name, { only: (check) => !REFUSALS.has(check) })
    rows.push(...recordedRows(served, document, walk.prefixes, walk.goingOn))
  }
  if (samples !== null) excuseLeftOut(rows, document, readDescription(samples).left_out ?? [])
  const counts = { checked: 0, unknown: 0, wrong: 0 }
  for (const { verdict } of rows) counts[verdict]++
  return { connector: name, specs: files, rows, counts, ok: counts.wrong === 0 }
}
