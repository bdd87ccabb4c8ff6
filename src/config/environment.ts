/** One hub folder for several environments: what differs in one of them is laid over what all have in common. */
import {
  type Finding,
  isObject,
  type Json,
  type JsonObject,
  nearestName,
  setOwn,
  type YamlFile,
  type YamlPath,
} from '../core/index.ts'

/** Names stand in variables, on the page and in log lines. */
const NAME = /^[a-z][a-z0-9_-]{0,30}$/
/** What an environment may lay over the file, beside its tables. */
const MERGED = ['hub', 'connections'] as const
const SECTIONS: readonly unknown[] = [...MERGED, 'alerts']

export type LaidOver = {
  /** The file as this environment sees it. Each place is where the value stands, in the environment or in what all have. */
  yaml: YamlFile
  /** Whether a value comes from the environment. */
  has(path: YamlPath): boolean
  /** Table files of mappings by the path that stands for each of them here, both relative to the hub folder. */
  tables: ReadonlyMap<string, string>
}

const objectOf = (value: unknown): Record<string, unknown> => (isObject(value) ? value : {})

/** The section `environments:` by name. */
export const environmentsOf = (yaml: YamlFile): Record<string, unknown> => objectOf(objectOf(yaml.value).environments)

/** Objects are merged, everything else is replaced. Without a name the file is what all have in common. */
export function layEnvironment(yaml: YamlFile, name: string | null): LaidOver {
  const found = name === null ? undefined : environmentsOf(yaml)[name]
  if (!isObject(found)) return { yaml, has: () => false, tables: new Map() }
  const own = objectOf(found)
  const root = { ...objectOf(yaml.value) }
  for (const section of MERGED) if (isObject(own[section])) root[section] = merged(root[section], own[section])
  // A route is one of a kind: parts of two kinds together would be none.
  if (isObject(own.alerts)) root.alerts = { ...objectOf(root.alerts), ...objectOf(own.alerts) }
  const has = (path: YamlPath): boolean => SECTIONS.includes(path[0]) && reaches(own, path)
  const at = (path: YamlPath): YamlPath => (has(path) ? ['environments', name!, ...path] : path)
  const tables = Object.entries(objectOf(own.tables))
  return {
    yaml: {
      file: yaml.file,
      text: yaml.text,
      value: root,
      placeOf: (path) => yaml.placeOf(at(path)),
      placeOfKey: (path, key) => yaml.placeOfKey(at([...path, key]).slice(0, -1), key),
      placeInScalar: (path, offset) => yaml.placeInScalar(at(path), offset),
      sourceAt: (path) => yaml.sourceAt(at(path)),
    },
    has,
    tables: new Map(tables.filter((entry): entry is [string, string] => typeof entry[1] === 'string')),
  }
}

function merged(common: unknown, own: unknown): unknown {
  if (!isObject(common) || !isObject(own)) return own
  const result: Record<string, unknown> = { ...common }
  for (const [key, value] of Object.entries(own)) setOwn(result as JsonObject, key, merged(result[key], value) as Json)
  return result
}

function reaches(value: unknown, path: YamlPath): boolean {
  let at: unknown = value
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return false
    at = (at as Record<string | number, unknown>)[step]
  }
  return true
}

/** What is wrong with the names: of the environments, of the one that is asked for, of the connections they lay something over. */
export function checkNames(yaml: YamlFile, wanted: string | null): Finding[] {
  const environments = environmentsOf(yaml)
  const names = Object.keys(environments)
  const known = Object.keys(objectOf(objectOf(yaml.value).connections))
  return [
    ...(wanted === null || names.includes(wanted) ? [] : [unknownEnvironment(yaml, wanted, names)]),
    ...names.flatMap((name): Finding[] => {
      const own = environments[name]
      const laid = Object.keys(objectOf(objectOf(own).connections))
      return [
        ...(NAME.test(name) ? [] : [badName(yaml, name)]),
        ...laid.filter((one) => !known.includes(one)).map((one) => unknownConnection(yaml, name, one, known)),
      ]
    }),
  ]
}

function unknownEnvironment(yaml: YamlFile, wanted: string, names: string[]): Finding {
  const near = nearestName(wanted, names)
  return {
    severity: 'error',
    code: 'CSW-1007',
    message: `there is no environment "${wanted}" (--env, CAUSEWAY_ENV)`,
    fix: near ? `Did you mean "${near}"?` : `Define it under \`environments:\`; known: ${names.join(', ') || 'none'}.`,
    place: yaml.placeOf(['environments']),
  }
}

const badName = (yaml: YamlFile, name: string): Finding => ({
  severity: 'error',
  code: 'CSW-1005',
  message: `environments: "${name}" is not a name for an environment`,
  fix: 'Use lower-case letters, digits, "-" and "_", beginning with a letter, at most 31.',
  place: yaml.placeOfKey(['environments'], name),
})

function unknownConnection(yaml: YamlFile, environment: string, name: string, known: string[]): Finding {
  const near = nearestName(name, known)
  return {
    severity: 'error',
    code: 'CSW-1007',
    message: `environments.${environment}: there is no connection "${name}" to lay something over`,
    fix: near
      ? `Did you mean "${near}"?`
      : `Define it under \`connections:\` first; known: ${known.join(', ') || 'none'}.`,
    place: yaml.placeOfKey(['environments', environment, 'connections'], name),
  }
}
