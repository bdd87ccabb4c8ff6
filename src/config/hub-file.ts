/** Reads `causeway.yaml` of a hub folder: settings and connections, checked, with the place of everything. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CausewayError,
  compileSchema,
  type Finding,
  isObject,
  type Place,
  parseYaml,
  throwOnErrors,
  validateYaml,
  type YamlFile,
} from '../core/index.ts'
import { type AlertRoute, readAlerts } from './alerts.ts'
import { type AnalyticsConfig, readAnalytics } from './analytics.ts'
import { type ConnectionConfig, readConnection } from './connection.ts'
import { checkNames, environmentsOf, type LaidOver, layEnvironment } from './environment.ts'
import { fillPlaceholders } from './fill.ts'
import { hubFileSchema } from './hub-schema.ts'
import { type Environment, type FileSettings, type LoadedSettings, loadSettings } from './load-settings.ts'
import { SETTING_NAMES, SETTINGS, type SettingName } from './settings.ts'

export const HUB_FILE = 'causeway.yaml'
/** Names the environment; `--env` sets it for all that a command reads. */
const ENVIRONMENT_VARIABLE = 'CAUSEWAY_ENV'

export type HubConfig = LoadedSettings & {
  /** Folder that the hub file's relative paths start from. */
  folder: string
  file: string
  connections: ReadonlyMap<string, ConnectionConfig>
  analytics: readonly AnalyticsConfig[]
  alerts: readonly AlertRoute[]
  /** Which part of `environments:` is laid over the file (`--env`, CAUSEWAY_ENV). */
  environment: string | null
  /** Table files of mappings by the path that stands for each of them here; both relative to the hub folder. */
  tables: ReadonlyMap<string, string>
  /** Where the file says which path stands for a table. */
  placeOfTable(file: string): Place
  /** Whether a value comes from the environment. */
  isOfEnvironment: LaidOver['has']
}

export type HubInput = {
  folder: string
  env?: Environment
  flags?: Partial<Record<SettingName, unknown>>
}

/** Reads and checks the hub file. Throws the first error, naming all others in `data.findings`. */
export async function loadHub(input: HubInput): Promise<HubConfig> {
  const hub = await checkHub(input)
  throwOnErrors(hub.findings)
  return hub
}

/**
 * Reads the hub file and collects everything that is wrong, for `validate`; what is wrong is left out or has its default.
 * Throws only where there is nothing to check: no file, or no YAML.
 */
export async function checkHub({ folder, env = process.env, flags }: HubInput): Promise<HubConfig> {
  const whole = parseYaml(await readHubFile(folder), HUB_FILE)
  const wanted = env[ENVIRONMENT_VARIABLE] || null
  const findings = [...validateYaml(whole, compileSchema(hubFileSchema)), ...checkNames(whole, wanted)]
  const { yaml, has, tables } = layEnvironment(whole, wanted)
  const read = readSections(yaml, env)
  const loaded = loadSettings({ env, file: read.settings, ...(flags ? { flags } : {}) })
  const analytics = readAnalytics(yaml, isObject(yaml.value) ? yaml.value.analytics : undefined)
  findings.push(...read.findings, ...analytics.findings, ...loaded.findings)
  findings.push(...findingsElsewhere(whole, wanted, read.findings))
  return {
    ...loaded,
    folder,
    file: HUB_FILE,
    connections: read.connections,
    analytics: analytics.targets,
    alerts: read.alerts,
    environment: Object.hasOwn(environmentsOf(whole), wanted ?? '') ? wanted : null,
    tables,
    placeOfTable: (table) => whole.placeOf(['environments', wanted ?? '', 'tables', table]),
    isOfEnvironment: has,
    findings: inOrder(findings),
  }
}

type Sections = {
  settings: FileSettings
  connections: Map<string, ConnectionConfig>
  alerts: AlertRoute[]
  findings: Finding[]
}

function readSections(yaml: YamlFile, env: Environment): Sections {
  const root = isObject(yaml.value) ? yaml.value : {}
  const fill = fillPlaceholders(yaml, env)
  const { values: settings, findings } = hubSettings(yaml, root.hub, fill)
  const connections = new Map<string, ConnectionConfig>()
  for (const [name, raw] of Object.entries(isObject(root.connections) ? root.connections : {})) {
    const read = readConnection(yaml, name, raw, fill)
    findings.push(...read.findings)
    if (read.connection) connections.set(name, read.connection)
  }
  const alerts = readAlerts(yaml, root.alerts, fill)
  findings.push(...alerts.findings)
  return { settings, connections, alerts: alerts.routes, findings }
}

/**
 * What is wrong in the environments that are not in use, a secret that stands in the file above all. Their variables are not
 * at hand here and count as set.
 */
function findingsElsewhere(whole: YamlFile, wanted: string | null, known: readonly Finding[]): Finding[] {
  const set: Environment = new Proxy({}, { get: () => 'set' })
  const text = ({ message, place }: Finding): string => JSON.stringify([message, place])
  const told = new Set(known.map(text))
  return Object.keys(environmentsOf(whole))
    .filter((name) => name !== wanted)
    .flatMap((name) => readSections(layEnvironment(whole, name).yaml, set).findings)
    .filter((finding) => !told.has(text(finding)) && told.add(text(finding)))
}

async function readHubFile(folder: string): Promise<string> {
  const path = join(folder, HUB_FILE)
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable'
    throw new CausewayError('CSW-1003', {
      what: code === 'ENOENT' ? `There is no ${HUB_FILE} in ${folder}.` : `${path} cannot be read (${code}).`,
      place: { file: path },
      fix: `Run \`causeway init\` for a new hub, or go to the folder that holds ${HUB_FILE}.`,
    })
  }
}

function hubSettings(
  yaml: YamlFile,
  raw: unknown,
  fill: ReturnType<typeof fillPlaceholders>,
): { values: FileSettings; findings: Finding[] } {
  const values: FileSettings = {}
  const findings: Finding[] = []
  for (const name of SETTING_NAMES) {
    if (!isObject(raw) || !Object.hasOwn(raw, name)) continue
    const path = ['hub', name]
    const place = yaml.placeOf(path)
    const filled = fill(raw[name]!, path)
    findings.push(...filled.findings)
    if (filled.findings.length > 0) continue
    if (SETTINGS[name].secret && !filled.filled && hasCredential(name, raw[name]))
      findings.push(literalSecret(name, place))
    else values[name] = { value: filled.value, place }
  }
  return { values, findings }
}

/** A literal secret, or a URL with a password inside; a database URL without one may stand in the file. */
function hasCredential(name: SettingName, value: unknown): boolean {
  if (SETTINGS[name].kind === 'secret') return value !== null && value !== ''
  const url = URL.parse(String(value))
  return url !== null && (url.password !== '' || url.searchParams.has('password'))
}

const literalSecret = (name: SettingName, place: Place): Finding => ({
  severity: 'error',
  code: 'CSW-1005',
  message: `hub.${name}: a secret must not stand in the file`,
  fix: `Put it into the environment variable CAUSEWAY_${name.toUpperCase()} and remove the key here.`,
  place,
})

/** In the order of the file, so that a reader can go down the list. */
function inOrder(findings: Finding[]): Finding[] {
  return findings.sort(
    (a, b) => (a.place.line ?? 0) - (b.place.line ?? 0) || (a.place.column ?? 0) - (b.place.column ?? 0),
  )
}
