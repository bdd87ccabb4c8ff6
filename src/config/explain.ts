/** What a hub works with, value by value, and where each came from. */
import { createRedactor, isSecretName, type Json, type Place, redactUrl } from '../core/index.ts'
import type { AlertRoute } from './alerts.ts'
import type { AnalyticsConfig } from './analytics.ts'
import type { ConnectionConfig } from './connection.ts'
import type { HubConfig } from './hub-file.ts'
import type { SecretReference } from './secrets.ts'
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
    ...hub.analytics.flatMap((target) => explainAnalytics(hub, target)),
    ...hub.alerts.flatMap((route) => explainAlert(hub, route)),
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
  return entries(hub, ['connections', name], connection.placeOf, values)
}

function explainAnalytics(hub: HubConfig, target: AnalyticsConfig): ExplainedValue[] {
  const { name, schema, streams, history, readers, files, placeOf } = target
  return entries(hub, ['analytics', name], placeOf, [
    [['schema'], schema],
    [['streams'], [...streams]],
    [['history'], listed(history)],
    [['readers'], listed(readers)],
    [['files', 'folder'], files?.folder ?? null],
    [['files', 'format'], files?.format ?? null],
    [['files', 'every_minutes'], files?.everyMinutes ?? null],
  ])
}

function explainAlert(hub: HubConfig, route: AlertRoute): ExplainedValue[] {
  const { name, target, allow, tell, severity, syncs, connections, placeOf } = route
  return entries(hub, ['alerts', name], placeOf, [
    [['kind'], target.kind],
    ...wayOf(target),
    [['allow'], listed(allow)],
    [['tell'], [...tell]],
    [['severity'], severity],
    [['syncs'], listed(syncs)],
    [['connections'], listed(connections)],
  ])
}

/** How a route reaches whom it tells. */
function wayOf(target: AlertRoute['target']): [string[], Json][] {
  if (target.kind === 'webhook')
    return [
      [['url'], shownValue(target.url)],
      [['secrets', 'signing_key'], referenceText(target.signingKey)],
    ]
  if (target.kind !== 'email') return [[['secrets', 'url'], referenceText(target.url)]]
  const { host, port, security, login } = target.smtp
  return [
    [['smtp', 'host'], host],
    [['smtp', 'port'], port],
    [['smtp', 'security'], security],
    [['smtp', 'user'], login?.user ?? null],
    [['secrets', 'password'], login && referenceText(login.password)],
    [['from'], target.from],
    [['to'], [...target.to]],
  ]
}

const referenceText = ({ kind, name }: SecretReference): string => `${kind}:${name}`
const listed = (texts: readonly string[]): Json => (texts.length ? [...texts] : null)

/** One entry of a section, key by key. What the file does not say has the place of what is around it. */
function entries(
  hub: HubConfig,
  at: string[],
  placeOf: (path: string[]) => Place,
  values: readonly [string[], Json][],
): ExplainedValue[] {
  return values
    .filter(([, value]) => value !== null)
    .map(([path, value]) => {
      const key = [...at, ...path].join('.')
      const place = shown(placeOf(path))
      if (place === shown(placeOf(path.slice(0, -1)))) return { key, value, from: 'default', where: null }
      return { key, value, from: hub.isOfEnvironment([...at, ...path]) ? 'environment' : 'file', where: place }
    })
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
