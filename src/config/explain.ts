/** What a hub works with, value by value, and where each came from. */
import { createRedactor, isSecretName, type Json, type Place, redactUrl } from '../core/index.ts'
import type { ConnectionConfig } from './connection.ts'
import type { HubConfig } from './hub-file.ts'
import { SETTING_NAMES, SETTINGS } from './settings.ts'

export type ExplainedValue = {
  /** `hub.port`, `connections.crm.settings.url`: as it would stand in the file. */
  key: string
  value: Json
  from: 'flag' | 'variable' | 'environment' | 'file' | 'default'
  /** The variable, or the place in the file; null for defaults and flags. */
  where: string | null
}

const HIDDEN = '[secret]'

export function explainHub(hub: HubConfig): ExplainedValue[] {
  return [
    ...SETTING_NAMES.map((name) => explainSetting(hub, name)),
    ...[...hub.connections.values()].flatMap((connection) => explainConnection(hub, connection)),
    ...[...hub.tables].map(
      ([file, instead]): ExplainedValue => ({
        key: `tables.${file}`,
        value: instead,
        from: 'environment',
        where: shown(hub.placeOfTable(file)),
      }),
    ),
  ]
}

function explainSetting(hub: HubConfig, name: (typeof SETTING_NAMES)[number]): ExplainedValue {
  const source = hub.sources[name]
  const value = hub.settings[name]
  const key = `hub.${name}`
  const told = SETTINGS[name].secret && value !== null ? HIDDEN : value
  if (source.from === 'environment') return { key, value: told, from: 'variable', where: source.variable }
  if (source.from !== 'file') return { key, value: told, from: source.from, where: null }
  return {
    key,
    value: told,
    from: hub.isOfEnvironment(['hub', name]) ? 'environment' : 'file',
    where: shown(source.place),
  }
}

function explainConnection(hub: HubConfig, connection: ConnectionConfig): ExplainedValue[] {
  const { name, connector, title, settings, secrets, allow, keep, maxPerSecond, maxConcurrent, traceparent, tls } =
    connection
  const secretTexts = Object.entries(secrets).map(([field, { kind, name: at }]) => [field, `${kind}:${at}`] as const)
  const values: [string[], Json][] = [
    [['connector'], connector],
    [['title'], title],
    ...Object.entries(settings).map(([field, value]): [string[], Json] => [
      ['settings', field],
      shownSetting(field, value),
    ]),
    // Where a secret stands, never what it is.
    ...secretTexts.map(([field, text]): [string[], Json] => [['secrets', field], text]),
    [['allow'], allow.length ? [...allow] : null],
    ...Object.entries(keep).map(([stream, kept]): [string[], Json] => [['keep', stream], kept]),
    [['max_per_second'], maxPerSecond],
    [['max_concurrent'], maxConcurrent],
    [['traceparent'], traceparent || null],
    [['tls', 'ca'], tls.ca],
    [['tls', 'certificate'], tls.certificate],
    [['tls', 'key'], tls.key && `${tls.key.kind}:${tls.key.name}`],
  ]
  return values
    .filter(([, value]) => value !== null)
    .map(([path, value]) => ({
      key: ['connections', name, ...path].join('.'),
      value,
      from: hub.isOfEnvironment(['connections', name, ...path]) ? 'environment' : 'file',
      where: shown(connection.placeOf(path)),
    }))
}

/** Nothing is known of values here, only how secrets are called. */
const redact = createRedactor([])
const ADDRESS = /^[a-z][a-z0-9+.-]*:\/\//i

/**
 * A setting of a connection for people. `secrets`: settings that the connector calls so; one may have come under the wrong heading by way of a
 * variable.
 */
export function shownSetting(name: string, value: Json, secrets: readonly string[] = []): Json {
  return value !== null && (secrets.includes(name) || isSecretName(name)) ? HIDDEN : shownValue(value)
}

/** An address may carry who logs in, and tokens in its query. */
function shownValue(value: Json): Json {
  if (typeof value === 'string') return ADDRESS.test(value) ? redactUrl(value, redact) : value
  return Array.isArray(value) ? value.map(shownValue) : value
}

const shown = ({ file, line, column }: Place): string =>
  [file, line, column].filter((part) => part !== undefined).join(':')
