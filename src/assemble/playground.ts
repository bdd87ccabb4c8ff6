/** A text of a mapping tried on one record, for the page: what is wrong with it, what it gives, and which line wrote what. */
import { asCausewayError, type Finding, hasErrors, type Json, type JsonObject } from '../core/index.ts'
import type { CompletionItem, CompletionRequest, Trial, TrialRequest } from '../http/index.ts'
import { originsOf, readMapping, runSuite, type SandboxedRunner, type SyncDefinition } from '../mapping/index.ts'
import type { Ports } from '../pipeline/index.ts'
import { objectOf, valueAt } from './explaining.ts'
import { checkAgainstHub, streamOf } from './files.ts'
import { givenInput } from './given-input.ts'
import type { HubFiles } from './hub-files.ts'
import { known, otherStreams } from './planning.ts'

type Parts = { ports: Ports; mappings: SandboxedRunner; files(): HubFiles }

const NOTHING = { outcome: null, parts: [], input: null, joins: null, error: null, origins: [], tests: [] }

export async function tryMapping(
  { ports, mappings, files }: Parts,
  name: string,
  request: TrialRequest,
  signal: AbortSignal,
): Promise<Trial> {
  const { row, definition: running } = known(ports, name)
  const text = request.mapping ?? running.source
  const { candidate, findings } = readCandidate(running, text, files())
  const { file } = running
  if (!candidate) return { ...NOTHING, file, findings }
  const wish = { definition: candidate, signal }
  const input = request.input && (await givenInput(ports, row.id, { ...wish, given: request.input }))
  const tests = request.tests ? await testsOf(candidate, mappings, files().config.folder) : []
  if (!input) return { ...NOTHING, file, findings, tests }
  const body = input.body.toString()
  const [output] = await mappings.map(candidate, [input], signal)
  return {
    file,
    findings,
    outcome: output!.status,
    parts:
      output!.status === 'mapped' ? output!.parts.map(({ part, values }) => ({ part, values: values.toString() })) : [],
    input: body,
    joins: candidate.joins.length ? joinsText(input.joins ?? {}) : null,
    error: output!.status === 'failed' ? output!.error : null,
    origins: originsIn(text, candidate, body),
    tests,
  }
}

/** The text as a definition that may run, unless something of it is wrong; what is wrong is said either way. */
function readCandidate(
  running: SyncDefinition,
  text: string,
  files: HubFiles,
): { candidate?: SyncDefinition; findings: Finding[] } {
  const { mapping, findings } = readMapping(text, running.file, { known: running.tables ?? {} })
  const way = running.twoWay?.direction === 'back' ? mapping?.back : mapping
  if (!way || hasErrors(findings)) return { findings }
  const { definition } = way
  const elsewhere = otherStreams(running, definition)
  if (elsewhere) return { findings: [...findings, elsewhere] }
  const others = files.syncs.filter(({ file }) => file !== running.file)
  findings.push(...checkAgainstHub(definition, [...others, definition], files.config, files.catalogue))
  // What the checker says of schemas does not keep a text from being tried: often that is how one sees why.
  return { candidate: definition, findings }
}

const joinsText = (joins: Record<string, string>): string =>
  `{${Object.entries(joins)
    .map(([name, text]) => `${JSON.stringify(name)}:${text}`)
    .join(',')}}`

function originsIn(text: string, candidate: SyncDefinition, body: string): Trial['origins'] {
  const record: JsonObject = objectOf(body)
  return originsOf(text, candidate.file, candidate.name).map(({ reads, ...origin }) => ({
    ...origin,
    reads: reads.map((path) => ({ path, value: path.startsWith('$') ? null : valueAt(record as Json, path) })),
  }))
}

/** A test that cannot even run is a failed one: the page stays what it is. */
async function testsOf(candidate: SyncDefinition, runner: SandboxedRunner, dir: string): Promise<Trial['tests']> {
  try {
    const { results } = await runSuite(candidate, { runner, dir })
    return results.map(({ name, ok, place, difference, error }) => ({
      name,
      ok,
      place,
      message: difference ?? error?.what ?? null,
    }))
  } catch (thrown) {
    const { message, place } = asCausewayError(thrown)
    return [{ name: 'tests', ok: false, place: place ?? { file: candidate.file }, message }]
  }
}

/** What the language server would offer there. Loaded when somebody first asks: most hubs are never typed into. */
export async function completeMapping(
  { ports, files }: Parts,
  name: string,
  { mapping, line, column }: CompletionRequest,
): Promise<CompletionItem[]> {
  const { definition } = known(ports, name)
  const { complete } = await import('../editor/index.ts')
  const read = files()
  const [from, to] = [streamOf(read, definition.from), streamOf(read, definition.to)]
  return complete(mapping, line, column, {
    ...(from ? { from } : {}),
    ...(to ? { to } : {}),
    joins: Object.fromEntries(definition.joins.map((join) => [join.name, streamOf(read, join.from)])),
    linked: [
      ...new Set(read.syncs.flatMap((sync) => [sync.from, sync.to]).map((at) => `${at.connection}:${at.stream}`)),
    ],
  })
}
