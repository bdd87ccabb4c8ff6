import type { SettingName, Settings } from '../config/index.ts'
import type { CreatedConnector, Report, SpecReport } from '../conformance/index.ts'
import type { Finding, Logger } from '../core/index.ts'
import type {
  ConfigurationPlan,
  ConnectorDescription,
  HubServices,
  MetricsSource,
  PlannedItem,
  ServerOptions,
} from '../http/index.ts'
import type { SuiteResult } from '../mapping/index.ts'

/** `all`: serves and works (start). `serve`, `worker`: one of them. `command`: neither, for one look or wish. */
export type HubRole = 'all' | 'serve' | 'worker' | 'command'

type OpenHubOptions = {
  /** The hub folder. */
  dir: string
  role: HubRole
  /** Settings given on the command line; they win over environment and file. */
  flags?: Partial<Record<SettingName, unknown>>
  /** Edits of files take effect without a restart. */
  watch?: boolean
  /** Where the hub logs; to stdout as its settings say, unless told otherwise. */
  logger?: Logger
}

export type Hub = {
  services: HubServices
  access: ServerOptions['access']
  measure(version: string): MetricsSource
  pool: ServerOptions['database']
  settings: Settings
  /** `settings.data_dir` as an absolute path. */
  dataDir: string
  logger: Logger
  /** Stops taking work and lets what is under way finish. */
  finishWork(): Promise<void>
  /** `finishWork`, and closes everything it opened. */
  close(): Promise<void>
}

/** `only` narrows a run to some mapping files. */
export type Tests = {
  run(
    options: { update?: boolean; mutate?: boolean },
    only?: (file: string) => boolean,
  ): Promise<{ suites: SuiteResult[]; files: string[]; findings: Finding[] }>
  close(): Promise<void>
}

type Checked = { files: number; findings: Finding[] }

/** What the command line uses of the place where the rooms are joined. Loaded only by commands that need it. */
export type Assembly = {
  openHub(options: OpenHubOptions): Promise<Hub>
  /** Checks the hub file, the connectors of its own and the mapping files; `paths` narrows it to some files or folders. */
  checkProject(project: { dir: string; paths: string[] }): Promise<Checked>
  /** The environment with what the sample systems put there when they run, where the hub starts them. */
  checkingEnvironment(dir: string, env: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv>
  /** What the files of a hub folder say, as a plan compares them. */
  folderConfiguration(dir: string): Promise<(PlannedItem & { tables?: Readonly<Record<string, string>> })[]>
  /** What differs between two configurations, and what a plan of it starts from and leads to. */
  configurationPlan(before: readonly PlannedItem[], after: readonly PlannedItem[]): ConfigurationPlan
  /** The files beside a mapping that its tables name. */
  tableFilesOf(text: string): string[]
  trySandbox(): Promise<{ network: 'namespace' } | { network: 'shared'; reason: string }>
  /** What runs the tests in and beside mapping files, as often as wanted. */
  openTests(project: { dir: string; paths: string[] }): Tests
  /** The syncs that a selection means, in their own order. Throws CSW-8020 where it means none. */
  selectedSyncs(project: { dir: string; select: string }): Promise<{ name: string; file: string }[]>
  /** Serves the language server protocol for the mapping files of a hub folder, on stdin and stdout. */
  serveEditorFor(dir: string): Promise<void>
  /** Brings the ledger to this version, or says what is missing. */
  migrateLedger(target: {
    dir: string
    dryRun: boolean
    flags?: Partial<Record<SettingName, unknown>>
  }): Promise<{ applied: number[]; pending: { number: number; name: string }[] }>
  /** What a restored ledger holds and what the first start will do with it. Changes nothing. */
  checkRestored(dir: string): Promise<{ check: string; ok: boolean; detail: string; fix?: string }[]>
  /** JSON Schema (draft-07) of connector manifests. */
  connectorSchema(): object
  /** Those of all other files, by kind. */
  SCHEMAS: Readonly<Record<string, object>>
  /** Built-in connectors and those of the hub folder, if `dir` is one. */
  readCatalogue(dir: string): Promise<readonly ConnectorDescription[]>
  /** One of them, where there is one of that name without faults, and the names of all. */
  readConnector(dir: string, name: string): Promise<{ found?: ConnectorDescription; names: string[] }>
  /** Runs the contract of connectors against simulators of their systems; without names, of all that have samples. */
  /** Holds a connector against descriptions of its vendor's API. */
  checkConnector(project: { dir: string; name: string; specs: string[] }): Promise<SpecReport>
  /** Writes a first manifest out of a description, and says what is still wrong with it. */
  createConnector(project: { dir: string; name: string; specs: string[] }): Promise<CreatedConnector>
  testConnectors(project: { dir: string; names: string[] }): Promise<Report[]>
}

export const loadAssembly = async (): Promise<Assembly> =>
  (await import('../core/index.ts')).loadingSmall(() => import('../assemble/index.ts'))
