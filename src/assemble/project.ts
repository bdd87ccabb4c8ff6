import { access } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { checkHub, type Environment } from '../config/index.ts'
import type { Catalogue } from '../connector/index.ts'
import { CausewayError, type Finding } from '../core/index.ts'
import { type Isolation, isolationNow } from '../expression/index.ts'
import type { ConnectorDescription } from '../http/index.ts'
import {
  createMappingRunner,
  type RunTestsOptions,
  readSoundMapping,
  runSuite,
  type SuiteResult,
} from '../mapping/index.ts'
import { readConnectors, readHubFiles, targetSchema } from './files.ts'
import type { HubFiles } from './hub-files.ts'
import { checkingEnvironment } from './samples.ts'

type Project = { dir: string; paths: string[]; env?: Environment }

const inside = (dir: string, paths: string[], file: string): boolean =>
  paths.length === 0 || paths.some((path) => !relative(resolve(dir, path), resolve(dir, file)).startsWith('..'))

/** Checks the hub file, connectors and mapping files of a folder; `paths` narrows the findings to some files or folders. */
export async function checkProject({
  dir,
  paths,
  env = process.env,
}: Project): Promise<{ files: number; findings: Finding[] }> {
  const { syncs, catalogue, findings } = await readHubFiles({ dir, env: await checkingEnvironment(dir, env) })
  const files = [
    ...syncs.map(({ file }) => file),
    ...catalogue.list().map((connector) => connector.describe().file),
  ].filter((file) => inside(dir, paths, file))
  return { files: files.length + 1, findings: findings.filter(({ place }) => inside(dir, paths, place.file)) }
}

type ProjectTests = { suites: SuiteResult[]; files: string[]; findings: Finding[] }

/** The tests of a hub folder: run as often as wanted, in sandbox processes that stay. */
class TestRunner {
  readonly #project: Project
  #files: HubFiles | undefined
  readonly #runner = createMappingRunner({
    targetSchema: (sync) => (this.#files ? targetSchema(this.#files, sync) : undefined),
  })

  constructor(project: Project) {
    this.#project = project
  }

  /** Reads the files anew and runs the tests of the chosen mappings; exact numbers are written as the target's schema says. */
  async run(options: Omit<RunTestsOptions, 'runner' | 'dir'>, only?: (file: string) => boolean): Promise<ProjectTests> {
    const { dir, paths, env = process.env } = this.#project
    const files = await readHubFiles({ dir, env: await checkingEnvironment(dir, env) })
    this.#files = files
    const chosen = files.syncs.filter(({ file }) => inside(dir, paths, file) && (only?.(file) ?? true))
    const suites = await Promise.all(chosen.map((sync) => runSuite(sync, { ...options, dir, runner: this.#runner })))
    // A file that cannot be read has no tests that could fail, so its faults must be said here.
    const findings = [...files.findings, ...suites.flatMap((suite) => suite.findings)].filter(
      ({ severity, place }) => severity === 'error' && inside(dir, paths, place.file),
    )
    return { suites, files: chosen.map(({ file }) => file), findings }
  }

  async close(): Promise<void> {
    await this.#runner.close()
  }
}

/** Built-in connectors, and those of the hub folder if `dir` is one. */
export async function readCatalogue(dir: string): Promise<readonly ConnectorDescription[]> {
  return (await catalogueOf(dir)).list().map((connector) => connector.describe())
}

/** One of them, and the names of all: the others are not loaded. */
export async function readConnector(
  dir: string,
  name: string,
): Promise<{ found?: ConnectorDescription; names: string[] }> {
  const catalogue = await catalogueOf(dir, new Set([name]))
  const names = [...catalogue.names]
  // One that is there and has faults says which.
  return names.includes(name) ? { found: catalogue.get(name).describe(), names } : { names }
}

/** The connectors that a hub folder can use; the built-in ones elsewhere. All of them, or only some. */
export async function catalogueOf(dir: string, only?: ReadonlySet<string>): Promise<Catalogue> {
  const isHub = await access(resolve(dir, 'causeway.yaml')).then(
    () => true,
    () => false,
  )
  const own = isHub ? (await checkHub({ folder: dir })).settings.connectors_dir : null
  return readConnectors(dir, own, only)
}

/** Runs a mapping in a sandbox process of this machine, and says what keeps it from the network. Throws what hinders it. */
export async function trySandbox(): Promise<Isolation> {
  const runner = createMappingRunner()
  try {
    const { definition } = readSoundMapping('{ from: a:a, to: b:b, map: { a: $uppercase(a) } }', 'sandbox')
    const [output] = await runner.map(definition, [{ id: '1', body: '{"a":"a"}' }])
    if (output?.status === 'mapped') return isolationNow()
    throw new CausewayError('CSW-4006', { what: `The mapping process gave ${JSON.stringify(output)}` })
  } finally {
    await runner.close()
  }
}

/** Starts what runs the tests in and beside mapping files. */
export const openTests = (project: Project): TestRunner => new TestRunner(project)
