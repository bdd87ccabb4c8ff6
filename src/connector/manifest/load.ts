/** Reads one manifest: YAML, closed schema, expressions, rules between fields. Every fault becomes a finding with its place. */
import { readFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import {
  CausewayError,
  compileSchema,
  type Finding,
  hasErrors,
  isObject,
  type Json,
  type JsonObject,
  nearestName,
  parseYaml,
  validateYaml,
  type YamlFile,
} from '../../core/index.ts'
import { type Compilation, compileFields, compilePart, report } from '../language/compile.ts'
import type { WebhooksSpec } from '../parts/webhook.ts'
import type { Protocol } from '../protocols/contract.ts'
import { protocols } from '../protocols/index.ts'
import { manifestFields, manifestPart, manifestSchema, streamPart } from './manifest.ts'
import type { Settings } from './settings.ts'
import type { CommonStream } from './stream.ts'

export type LoadedStream = { name: string; common: CommonStream; spec: unknown }
/** A manifest that has no faults, compiled. */
export type Manifest = {
  file: string
  name: string
  title: string
  description: string | undefined
  version: string | undefined
  documentation: string | undefined
  category: string | undefined
  protocol: Protocol
  settings: Settings
  webhooks: WebhooksSpec | undefined
  /** The protocol's top-level fields. */
  spec: unknown
  streams: Map<string, LoadedStream>
}

/** Reads and checks a manifest file. `manifest` is there when no finding is an error. */
export function loadManifest(file: string): { manifest?: Manifest; findings: Finding[] } {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    return { findings: [unreadable(file, cause)] }
  }
  return parseManifest(text, file)
}

function parseManifest(text: string, file: string): { manifest?: Manifest; findings: Finding[] } {
  let yaml: YamlFile
  try {
    yaml = parseYaml(text, file)
  } catch (error) {
    return { findings: [findingOf(error, file)] }
  }
  const protocol = protocolOf(yaml)
  if ('finding' in protocol) return { findings: [protocol.finding] }
  const findings = validateYaml(yaml, compileSchema(manifestSchema(protocol.protocol)))
  const value = isObject(yaml.value) ? (yaml.value as JsonObject) : {}
  const to: Compilation = {
    yaml,
    findings,
    settings: settingNames(value),
    malformed: findings.length > 0,
    readJson: (name) => readJson(file, name),
  }
  const manifest = compileManifest(value, protocol.protocol, to)
  if (manifest && manifest.name !== basename(dirname(file)))
    report(to, ['name'], `the folder is called ${basename(dirname(file))}`, 'Give both the same name.')
  findings.sort(byPlace)
  return manifest && !hasErrors(findings) ? { manifest, findings } : { findings }
}

const byPlace = (a: Finding, b: Finding): number =>
  (a.place.line ?? 0) - (b.place.line ?? 0) || (a.place.column ?? 0) - (b.place.column ?? 0)

function compileManifest(value: JsonObject, protocol: Protocol, to: Compilation): Manifest | undefined {
  const { streams: _streams, ...fields } = manifestPart(protocol).fields
  const top = compileFields(fields, value, [], to)
  const common = Object.keys(manifestFields)
  const spec = Object.fromEntries(Object.entries(top).filter(([name]) => !common.includes(name)))
  const streams = new Map<string, LoadedStream>()
  const sound: string[] = []
  const given = isObject(value.streams) ? (value.streams as JsonObject) : {}
  for (const [name, body] of Object.entries(given)) {
    const before = to.findings.length
    const compiled = compilePart(streamPart(protocol), body, ['streams', name], to)
    streams.set(name, { name, common: compiled as unknown as CommonStream, spec: compiled })
    if (!to.malformed && to.findings.length === before) sound.push(name)
  }
  const others = new Map([...streams.values()].map((stream) => [stream.name, stream.spec]))
  for (const name of sound) checkStream(protocol, name, others, spec, to)
  if (hasErrors(to.findings)) return undefined
  return { ...(top as unknown as Manifest), file: to.yaml.file, protocol, spec, streams }
}

function checkStream(
  protocol: Protocol,
  name: string,
  others: ReadonlyMap<string, unknown>,
  spec: object,
  to: Compilation,
): void {
  const stream = others.get(name) as Record<string, unknown>
  for (const { field, message, fix } of protocol.check?.(stream, spec as never, { name, others }) ?? [])
    report(to, ['streams', name, ...(field?.split('.') ?? [])], message, fix)
  for (const key of ['schema', 'write_schema'])
    if (stream[key] !== undefined && !isObject(stream[key]))
      report(
        to,
        ['streams', name, key],
        'is no JSON Schema',
        'Give a JSON object with `type: object` and `properties`.',
      )
}

function protocolOf(yaml: YamlFile): { protocol: Protocol } | { finding: Finding } {
  const named = isObject(yaml.value) ? (yaml.value as JsonObject).protocol : undefined
  const known = Object.keys(protocols)
  if (typeof named === 'string' && Object.hasOwn(protocols, named)) return { protocol: protocols[named]! }
  const near = typeof named === 'string' ? nearestName(named, known) : undefined
  return {
    finding: {
      severity: 'error',
      code: 'CSW-1005',
      message:
        named === undefined
          ? '"protocol" is missing'
          : `protocol: ${JSON.stringify(named)} is not one of ${known.join(', ')}`,
      fix: near ? `Did you mean "${near}"?` : `Use one of ${known.join(', ')}.`,
      place: yaml.placeOf(['protocol']),
    },
  }
}

const settingNames = ({ settings }: JsonObject): Set<string> => new Set(isObject(settings) ? Object.keys(settings) : [])

function readJson(manifest: string, name: string): { value: Json } | { fault: string; fix: string } {
  const folder = resolve(dirname(manifest))
  const path = resolve(folder, name)
  if (!path.startsWith(folder + sep))
    return { fault: `${name} lies outside the connector's folder`, fix: 'Move the file beside the manifest.' }
  try {
    return { value: JSON.parse(readFileSync(path, 'utf8')) as Json }
  } catch (cause) {
    const missing = (cause as { code?: string }).code === 'ENOENT'
    const shown = join(dirname(manifest), relative(folder, path))
    return missing
      ? {
          fault: `the file ${shown} does not exist`,
          fix: 'Create it or correct the path; it is relative to the manifest.',
        }
      : { fault: `${shown} is not JSON: ${(cause as Error).message}`, fix: 'Correct the JSON.' }
  }
}

const unreadable = (file: string, cause: unknown): Finding => ({
  severity: 'error',
  code: 'CSW-1003',
  message: `cannot be read: ${(cause as { code?: string }).code ?? (cause as Error).message}`,
  fix: 'A connector is a folder with a connector.yaml in it.',
  place: { file },
})

function findingOf(error: unknown, file: string): Finding {
  if (!(error instanceof CausewayError)) throw error
  return { severity: 'error', code: error.code, message: error.message, fix: error.fix, place: error.place ?? { file } }
}
