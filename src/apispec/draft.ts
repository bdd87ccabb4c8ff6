/** A first manifest out of an API description: lists with their items become streams. To be read and finished by a person. */
import { stringifyYaml } from '../core/index.ts'
import type { ApiDocument, Operation } from './contract.ts'
import { type Listed, listedBy, pathFor, quoted, readOf, settingsIn } from './guess.ts'
import { type Lookup, type RawSchema, resolved } from './schema.ts'
import { member, namesOf, typeOfSchema } from './types.ts'

export type Draft = { files: Record<string, string>; streams: string[] }

/** Files of a new connector, by name relative to its folder. */
export function draftConnector(name: string, document: ApiDocument): Draft {
  const files: Record<string, string> = {}
  const streams: Record<string, unknown> = {}
  const lists = document.operations.flatMap((operation) => listedBy(operation) ?? [])
  for (const listed of lists) {
    const stream = streamName(listed.operation.path, streams)
    const schemas = schemasOf(listed, document)
    files[`schemas/${stream}.json`] = json(schemas.read)
    if (schemas.write) files[`schemas/${stream}.write.json`] = json(schemas.write)
    streams[stream] = streamOf(listed, document, stream, schemas.write !== null)
  }
  const server = document.prefixes.find((prefix) => prefix !== '') ?? ''
  const { auth, settings } = authOf(document)
  const manifest = {
    language: 1,
    name,
    title: document.title || name,
    protocol: 'rest',
    settings: {
      url: { type: 'url', required: true, title: 'Address', description: 'Where the API is, without a path' },
      ...Object.fromEntries(
        lists.flatMap(({ operation }) => settingsIn(operation.path)).map((one) => [one, { required: true }]),
      ),
      ...settings,
    },
    base_url: `\${ settings.url }${server}`,
    auth,
    streams,
  }
  files['connector.yaml'] =
    `# Drafted from an API description: read every line, then add \`version\`, look-ups, errors and limits.\n${stringifyYaml(manifest)}`
  files['NOTES.md'] = `# ${document.title || name}\n\nDrafted from an API description. Nothing of it was tried yet.\n`
  return { files, streams: Object.keys(streams) }
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

function streamName(path: string, taken: Record<string, unknown>): string {
  const steps = path
    .split('/')
    .filter(Boolean)
    .map((step) =>
      step
        .replace(/\.\w+$/, '')
        .replace(/[^A-Za-z0-9]+/g, '_')
        .toLowerCase(),
    )
  for (let length = 1; length <= steps.length; length++) {
    const name = steps
      .slice(-length)
      .join('_')
      .replace(/^[^a-z]+/, '')
    if (name && !Object.hasOwn(taken, name)) return name
  }
  return `stream_${Object.keys(taken).length + 1}`
}

/** The call on one item of a list: the list's path and one parameter. */
function itemCall({ operations }: ApiDocument, list: string, ...methods: string[]): Operation | undefined {
  const bare = list.replace(/\.\w+$/, '')
  return methods
    .map((method) =>
      operations.find(
        (one) =>
          one.method === method &&
          /^\/?\{[^}/]+\}(\.\w+)?$|^\(\{[^}]+\}\)$/.test(one.path.slice(bare.length)) &&
          one.path.startsWith(bare),
      ),
    )
    .find((one) => one !== undefined)
}

function streamOf(listed: Listed, document: ApiDocument, stream: string, writable: boolean): Record<string, unknown> {
  const { path } = listed.operation
  const get = itemCall(document, path, 'GET')
  const write = writable ? writeOf(listed, document) : {}
  const changed = ['updated_at', 'updatedAt', 'modified_at', 'modifiedAt', 'lastModified'].find((name) =>
    namesOf(listed.record).includes(name),
  )
  return {
    title: stream.replace(/^\w/, (first) => first.toUpperCase()).replaceAll('_', ' '),
    key: `record.${quoted(listed.key)}`,
    ...(changed ? { version: { value: `record.${changed}` } } : {}),
    schema: `schemas/${stream}.json`,
    ...(writable ? { write_schema: `schemas/${stream}.write.json` } : {}),
    read: readOf(listed),
    ...(get ? { fetch: { path: pathFor(get.path), records: wrapped(get, listed.key) } } : {}),
    ...(Object.keys(write).length ? { write } : {}),
  }
}

/** Where the record stands in the answer to a call about one: at the top, or in a member of its own. */
function wrapped(operation: Operation, key: string): string {
  if (!operation.answer) return 'response'
  const answer = typeOfSchema(operation.answer, operation.lookup)
  if (namesOf(answer).includes(key)) return 'response'
  const inner = namesOf(answer).find((name) => namesOf(member(answer, name)).includes(key))
  return inner ? `response.${quoted(inner)}` : 'response'
}

function bodyOf(operation: Operation): { body: unknown; schema: RawSchema; form: boolean } | null {
  const { lookup } = operation
  if (!operation.body) return null
  const schema = resolved(operation.body.schema, lookup)
  if (!schema?.properties) return null
  const [only, ...others] = Object.entries(schema.properties)
  const inner = only && others.length === 0 ? resolved(only[1], lookup) : undefined
  return inner?.properties
    ? { body: { [only![0]]: '${ values }' }, schema: inner, form: operation.body.form }
    : { body: '${ values }', schema, form: operation.body.form }
}

function writeOf({ operation: { path }, key }: Listed, document: ApiDocument): Record<string, unknown> {
  const post = document.operations.find((one) => one.method === 'POST' && one.path === path)
  const change = itemCall(document, path, 'PATCH', 'PUT', 'POST')
  const remove = itemCall(document, path, 'DELETE')
  const body = post && bodyOf(post)
  const changed = change && bodyOf(change)
  const form = (given: { form: boolean }) => (given.form ? { body_as: 'form' } : {})
  return {
    ...(post && body
      ? { create: { path: pathFor(path), body: body.body, ...form(body), id: `${wrapped(post, key)}.${quoted(key)}` } }
      : {}),
    ...(change && changed
      ? {
          update: {
            method: change.method,
            path: pathFor(change.path),
            body: changed.body,
            ...form(changed),
            ...(change.method === 'PUT' ? { partial: false } : {}),
          },
        }
      : {}),
    ...(remove ? { delete: { path: pathFor(remove.path) } } : {}),
  }
}

function schemasOf(listed: Listed, document: ApiDocument): { read: RawSchema; write: RawSchema | null } {
  const { answer, lookup } = listed.operation
  const read = listed.records
    .split('.')
    .slice(1)
    .reduce<RawSchema | undefined>(
      (schema, name) => resolved(schema, lookup)?.properties?.[name.replaceAll('`', '')],
      answer,
    )
  const list = resolved(read, lookup)
  const post = document.operations.find((one) => one.method === 'POST' && one.path === listed.operation.path)
  const body = post && bodyOf(post)
  return {
    read: { $schema: 'http://json-schema.org/draft-07/schema#', ...copied(list?.items ?? list, lookup) },
    write: body ? { $schema: 'http://json-schema.org/draft-07/schema#', ...copied(body.schema, lookup) } : null,
  }
}

const FORMATS = new Set(['date-time', 'date', 'email', 'uri', 'uuid'])

/** A schema on its own: references resolved to some depth, and only what a hub makes use of. */
export function copied(schema: RawSchema | undefined, lookup: Lookup, depth = 0): RawSchema {
  const whole = resolved(schema, lookup)
  if (!whole || depth > 4) return {}
  const types = [whole.type ?? (whole.properties ? 'object' : [])].flat()
  if (types.length === 0) return describedBy(whole)
  // Vendors leave members empty more often than their descriptions say.
  const type = [...new Set([...types, ...(depth > 0 ? ['null'] : [])])]
  return {
    type: type.length === 1 ? type[0]! : type,
    ...describedBy(whole),
    ...(whole.enum ? { enum: [...new Set([...whole.enum, ...(depth > 0 ? [null] : [])])] } : {}),
    ...(whole.format && FORMATS.has(whole.format) ? { format: whole.format } : {}),
    ...(whole.properties
      ? {
          properties: Object.fromEntries(
            Object.entries(whole.properties).map(([name, inner]) => [name, copied(inner, lookup, depth + 1)]),
          ),
        }
      : {}),
    ...(whole.items ? { items: copied(whole.items, lookup, depth + 1) } : {}),
  }
}

const describedBy = ({ description }: RawSchema): RawSchema =>
  description ? { description: String(description).split('\n')[0]!.slice(0, 200) } : {}

type Auth = { auth: Record<string, unknown>; settings: Record<string, unknown> }

/** How requests show who we are, as the first scheme that we can speak says. */
function authOf({ security }: ApiDocument): Auth {
  const secret = (title: string) => ({ secret: true, required: true, title })
  for (const scheme of security) {
    const kind = String(scheme.type)
    if (kind === 'apiKey' && scheme.in !== 'cookie')
      return {
        auth: { kind: scheme.in === 'query' ? 'query' : 'header', name: scheme.name, value: '${ settings.key }' },
        settings: { key: secret('API key') },
      }
    if (kind === 'basic' || (kind === 'http' && String(scheme.scheme).toLowerCase() === 'basic'))
      return {
        auth: { kind: 'basic', user: '${ settings.user }', password: '${ settings.password }' },
        settings: { user: { required: true, title: 'User' }, password: secret('Password') },
      }
    const tokens = kind === 'oauth2' ? oauthOf(scheme) : null
    if (tokens) return tokens
  }
  return { auth: { kind: 'bearer', token: '${ settings.token }' }, settings: { token: secret('Access token') } }
}

function oauthOf(scheme: Record<string, unknown>): Auth | null {
  const flows = (scheme.flows ?? { [String(scheme.flow)]: scheme }) as Record<string, { tokenUrl?: string }>
  const direct = flows.clientCredentials ?? flows.application
  const flow = direct ?? flows.authorizationCode ?? flows.accessCode
  if (!flow?.tokenUrl) return null
  const secret = (title: string) => ({ secret: true, required: true, title })
  return {
    auth: {
      kind: 'oauth2',
      grant: direct ? 'client_credentials' : 'refresh_token',
      token_url: '${ settings.token_url }',
      client_id: '${ settings.client_id }',
      client_secret: '${ settings.client_secret }',
      ...(direct ? {} : { refresh_token: '${ settings.refresh_token }' }),
    },
    settings: {
      token_url: /^https?:/.test(flow.tokenUrl)
        ? { type: 'url', default: flow.tokenUrl, title: 'Token address' }
        : { type: 'url', required: true, title: 'Token address' },
      client_id: { required: true, title: 'Client id' },
      client_secret: secret('Client secret'),
      ...(direct ? {} : { refresh_token: secret('Refresh token') }),
    },
  }
}
