import {
  CausewayError,
  type Finding,
  isObject,
  isSecretName,
  type JsonObject,
  type Place,
  type YamlFile,
} from '../core/index.ts'
import type { Fill } from './fill.ts'
import { hasPlaceholder, variableOf } from './interpolate.ts'
import { parseReference, type SecretReference } from './secrets.ts'

/** A connection as the hub file defines it. Its settings are checked against its connector elsewhere. */
export type ConnectionConfig = {
  name: string
  connector: string
  title: string | null
  /** Placeholders are replaced; a value that came from a variable is text, whatever the connector expects. */
  settings: JsonObject
  secrets: Readonly<Record<string, SecretReference>>
  allow: readonly string[]
  /** How much of its streams is kept, by name of the stream; `*` = all others. */
  keep: Readonly<Record<string, 'full' | 'used' | 'hash'>>
  maxPerSecond: number | null
  maxConcurrent: number | null
  /** Its calls carry a `traceparent`, where traces are made. */
  traceparent: boolean
  /** Paths relative to the hub folder. */
  tls: { ca: string | null; certificate: string | null; key: SecretReference | null }
  file: string
  /** Where something of this connection stands in the file: `placeOf(['settings', 'base_url'])`. */
  placeOf(path?: readonly (string | number)[]): Place
}

/** Names appear in stream addresses (`crm:contacts`), URLs, metrics and log lines. */
const NAME = /^[a-z][a-z0-9_-]{0,62}$/

/** Reads one entry of `connections:`; what the schema finds is found already. */
export function readConnection(
  yaml: YamlFile,
  name: string,
  raw: unknown,
  fill: Fill,
): { connection: ConnectionConfig | null; findings: Finding[] } {
  const path = ['connections', name]
  const findings: Finding[] = NAME.test(name) ? [] : [badName(yaml, name)]
  if (!isObject(raw) || typeof raw.connector !== 'string') return { connection: null, findings }
  const settings = fill(isObject(raw.settings) ? raw.settings : {}, [...path, 'settings'])
  findings.push(...settings.findings, ...secretsAmongSettings(yaml, path, raw.settings))
  const allow = fill(Array.isArray(raw.allow) ? raw.allow : [], [...path, 'allow'])
  findings.push(...allow.findings)
  const readReference = (at: string[], field: string, text: unknown): SecretReference | null => {
    const reference = typeof text === 'string' ? parseReference(text) : null
    const place = yaml.placeOf([...path, ...at])
    if (reference) return { connection: name, field, ...reference, place }
    if (typeof text === 'string') findings.push(notAReference([...path, ...at].join('.'), place, name, field))
    return null
  }
  const secrets: Record<string, SecretReference> = {}
  for (const [field, text] of Object.entries(isObject(raw.secrets) ? raw.secrets : {})) {
    const reference = readReference(['secrets', field], field, text)
    if (reference) secrets[field] = reference
  }
  const tls: JsonObject = isObject(raw.tls) ? raw.tls : {}
  return {
    findings,
    connection: {
      name,
      connector: raw.connector,
      title: textOf(raw.title),
      settings: settings.value as JsonObject,
      secrets,
      allow: (allow.value as unknown[]).filter((entry) => typeof entry === 'string'),
      keep: readKeep(raw.keep),
      maxPerSecond: typeof raw.max_per_second === 'number' ? raw.max_per_second : null,
      maxConcurrent: typeof raw.max_concurrent === 'number' ? raw.max_concurrent : null,
      traceparent: raw.traceparent === true,
      tls: {
        ca: textOf(tls.ca),
        certificate: textOf(tls.certificate),
        key: readReference(['tls', 'key'], 'tls.key', tls.key),
      },
      file: yaml.file,
      placeOf: (inside = []) => yaml.placeOf([...path, ...inside]),
    },
  }
}

/** What the schema refused is found already. */
const readKeep = (raw: unknown): ConnectionConfig['keep'] =>
  Object.fromEntries(
    Object.entries(isObject(raw) ? raw : {}).filter(
      (entry): entry is [string, ConnectionConfig['keep'][string]] =>
        entry[1] === 'full' || entry[1] === 'used' || entry[1] === 'hash',
    ),
  )

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)

function badName(yaml: YamlFile, name: string): Finding {
  return {
    severity: 'error',
    code: 'CSW-1005',
    message: `connections: "${name}" is not a name for a connection`,
    fix: 'Use lower-case letters, digits, "-" and "_", beginning with a letter, at most 63.',
    place: yaml.placeOfKey(['connections'], name),
  }
}

/** The message must not repeat the text: it is most likely the secret itself. */
function notAReference(where: string, place: Place, connection: string, field: string): Finding {
  const variable = `${connection}_${field}`.replace(/[^A-Za-z0-9]+/g, '_').toUpperCase()
  return {
    severity: 'error',
    code: 'CSW-1005',
    message: `${where}: a secret must not stand in the file; give a reference to it`,
    fix: `Put the value into an environment variable and write env:${variable}, or use file:path or store:NAME.`,
    place,
  }
}

/**
 * A setting that is called like a secret has most likely come under the wrong heading: in the file itself, or by way of a variable, where it works
 * and is kept out of nothing that a secret is kept out of, what is written into plans and audit above all.
 */
function secretsAmongSettings(yaml: YamlFile, path: string[], settings: unknown): Finding[] {
  return Object.entries(isObject(settings) ? settings : {}).flatMap(([key, value]): Finding[] => {
    if (typeof value !== 'string' || !isSecretName(key)) return []
    const variable = variableOf(value)
    return [
      {
        severity: 'warning',
        code: 'CSW-1005',
        message: `${[...path, 'settings', key].join('.')}: looks like a secret ${
          hasPlaceholder(value) ? 'that comes under settings' : 'that stands in the file'
        }`,
        fix: `Move it to \`secrets:\` as a reference, like ${key}: env:${variable ?? 'NAME'}.`,
        place: yaml.placeOf([...path, 'settings', key]),
      },
    ]
  })
}

/** Fails with CSW-1007 for a connection that is not defined. */
export function connectionNamed(
  connections: ReadonlyMap<string, ConnectionConfig>,
  name: string,
  place?: Place,
): ConnectionConfig {
  const found = connections.get(name)
  if (found) return found
  const known = [...connections.keys()].join(', ') || 'none'
  throw new CausewayError('CSW-1007', {
    what: `There is no connection "${name}".`,
    fix: `Define it under \`connections:\`, or use one of those defined: ${known}.`,
    ...(place ? { place } : {}),
  })
}
