/** A first manifest out of a WSDL: operations that list, get, create, change and remove one type of records become a stream. */
import { stringifyYaml } from '../../core/index.ts'
import { copied, type Draft } from '../draft.ts'
import { quoted, readOf } from '../guess.ts'
import { type RawSchema, resolved } from '../schema.ts'
import { member, namesOf, typeOfSchema } from '../types.ts'
import {
  type Call,
  callsOf,
  idMember,
  listOf,
  parametersOf,
  plain,
  recordSchema,
  singleOf,
  wrapperOf,
} from './calls.ts'
import type { Wsdl } from './document.ts'
import { Namespaces } from './namespaces.ts'

type Made = Record<string, unknown>
type Stream = { name: string; list: Call; listed: NonNullable<ReturnType<typeof listOf>>; calls: Call[] }

/** Files of a new connector, by name relative to its folder. */
export function draftSoapConnector(name: string, wsdl: Wsdl): Draft {
  const namespaces = new Namespaces(wsdl)
  const settings = new Map<string, Made>()
  const files: Record<string, string> = {}
  const streams: Made = {}
  for (const stream of streamsOf(callsOf(wsdl))) {
    const drafted = new StreamDraft(stream, namespaces, settings)
    streams[stream.name] = drafted.stream()
    for (const [file, schema] of Object.entries(drafted.schemas()))
      files[`schemas/${stream.name}${file}.json`] = `${JSON.stringify(schema, null, 2)}\n`
  }
  const credentials = { user: '${ settings.user }', password: '${ settings.password }' }
  const manifest = {
    language: 1,
    name,
    title: wsdl.title || name,
    protocol: 'soap',
    settings: {
      url: { type: 'url', required: true, title: 'Address', description: 'Where the service is, without a path' },
      user: { required: true, title: 'User' },
      password: { secret: true, required: true, title: 'Password' },
      ...Object.fromEntries(settings),
    },
    base_url: `\${ settings.url }${wsdl.path}`,
    ...(wsdl.security ? { security: credentials } : { auth: { kind: 'basic', ...credentials } }),
    soap: wsdl.soap,
    namespaces: namespaces.declared(),
    qualified: wsdl.qualified,
    streams,
  }
  files['connector.yaml'] =
    `# Drafted from a WSDL: read every line, then add \`version\`, look-ups, errors and limits.\n${stringifyYaml(manifest)}`
  files['NOTES.md'] =
    `# ${manifest.title}\n\nDrafted from a WSDL by the names of its operations. Nothing of it was tried yet; whether an update may leave fields out is not in a WSDL.\n`
  return { files, streams: Object.keys(streams) }
}

/** Lists by the type of their records; of several, the one that needs least to be known. */
function streamsOf(calls: Call[]): Stream[] {
  const found: Stream[] = []
  for (const list of calls.filter(({ kind }) => kind === 'read')) {
    const listed = listOf(list)
    if (!listed) continue
    const needs = (call: Call, key: string) => (idMember(call, key) ? 100 : 0) + (call.input.required ?? []).length
    const same = found.find((one) => one.listed.reference !== null && one.listed.reference === listed.reference)
    if (!same) found.push({ name: '', list, listed, calls: [] })
    else if (needs(list, listed.key) < needs(same.list, same.listed.key)) Object.assign(same, { list, listed })
  }
  const named: Stream[] = []
  // A list of what is asked for by its id alone is no list of everything.
  for (const stream of found.filter(({ list, listed }) => !needsId(list, listed.key))) {
    const nouns = [stream.list.noun, ...(stream.listed.reference ? [typeName(stream.listed.reference)] : [])].map(plain)
    const mine = calls.filter(
      (call) =>
        nouns.includes(plain(call.noun)) || (call.kind === 'read' && singleOf(call, stream.listed.reference) !== null),
    )
    const many = stream.list.noun.replace(/y$/, 'ie').replace(/s$/, '')
    const base = `${many || 'record'}s`
    const taken = named.filter(({ name }) => name === base || name.startsWith(`${base}_`)).length
    named.push({ ...stream, name: taken ? `${base}_${taken + 1}` : base, calls: mine })
  }
  return named
}

const typeName = (reference: string): string => reference.slice(reference.lastIndexOf('}') + 1)

const needsId = (call: Call, key: string): boolean => {
  const id = idMember(call, key)
  return id !== null && (call.input.required ?? []).includes(id.name)
}

class StreamDraft {
  private readonly of: Stream
  private readonly namespaces: Namespaces
  private readonly settings: Map<string, Made>
  private readonly created: { schema: RawSchema; call: Call } | null

  constructor(of: Stream, namespaces: Namespaces, settings: Map<string, Made>) {
    this.of = of
    this.namespaces = namespaces
    this.settings = settings
    const create = this.first('create') ?? this.first('update')
    const schema = create && resolved(this.recordIn(create)?.schema ?? create.input, create.lookup)
    this.created = create && schema ? { schema, call: create } : null
  }

  stream(): Made {
    const { name, listed } = this.of
    const changed = namesOf(listed.record).find((one) =>
      /^(last_?)?(updated|modified|changed)(_?(at|on|date|time))?$/i.test(one),
    )
    const fetch = this.fetch()
    const write = this.write()
    return {
      title: name.replace(/^\w/, (first) => first.toUpperCase()).replaceAll('_', ' '),
      key: `record.${quoted(listed.key)}`,
      ...(changed ? { version: { value: `record.${quoted(changed)}` } } : {}),
      schema: `schemas/${name}.json`,
      ...(this.created ? { write_schema: `schemas/${name}.write.json` } : {}),
      read: this.read(),
      ...(fetch ? { fetch } : {}),
      ...(Object.keys(write).length ? { write } : {}),
    }
  }

  schemas(): Record<string, RawSchema> {
    const { list, listed } = this.of
    const $schema = 'http://json-schema.org/draft-07/schema#'
    return {
      '': { $schema, ...copied(recordSchema(list, listed.records), list.lookup) },
      ...(this.created ? { '.write': { $schema, ...this.written(this.created) } } : {}),
    }
  }

  /** What may be written: all but the key, which the service gives. */
  private written({ schema, call }: { schema: RawSchema; call: Call }): RawSchema {
    const whole = copied(schema, call.lookup)
    const { [this.of.listed.key]: _, ...properties } = whole.properties ?? {}
    return { ...whole, properties }
  }

  private first(kind: Call['kind']): Call | undefined {
    return this.of.calls.find((call) => call.kind === kind)
  }

  private read(): Made {
    const { list, listed } = this.of
    const { path: _, query, paging, ...rest } = readOf(listed) as Made & { query?: Made; paging?: { kind: string } }
    const known = query ?? {}
    const own = parametersOf(list)
    const wrapper =
      Object.keys(known).length && !own.every(([name]) => name in (list.input.properties ?? {}))
        ? wrapperOf(list.input)
        : null
    return {
      ...this.request(list, wrapper ? { [wrapper]: known } : known),
      ...rest,
      // All calls go to one address.
      ...(paging && ['cursor', 'offset', 'page', 'keyset'].includes(paging.kind) ? { paging } : {}),
    }
  }

  /** Operation, action and content of a call: what is known in the order of the schema, what else is required from a setting. */
  private request({ operation, input, lookup }: Call, known: Made): Made {
    const content: Made = {}
    for (const [name, schema] of Object.entries(input.properties ?? {})) {
      const key = this.namespaces.memberName(input, name)
      if (name in known) content[key] = known[name]
      else if ((input.required ?? []).includes(name) && typeof resolved(schema, lookup)?.type === 'string') {
        if (['object', 'array'].includes(String(resolved(schema, lookup)!.type))) continue
        const setting = name
          .replace(/([a-z\d])([A-Z])/g, '$1_$2')
          .replace(/\W+/g, '_')
          .toLowerCase()
          .replace(/^[^a-z]+/, '')
        this.settings.set(setting, { required: true, title: name })
        content[key] = `\${ settings.${setting} }`
      }
    }
    return {
      operation: this.namespaces.elementName(operation.element),
      ...(operation.action ? { action: operation.action } : {}),
      ...(Object.keys(content).length ? { content } : {}),
    }
  }

  /** By one id, or by several, whichever the service has. */
  private fetch(): Made | null {
    const { list, listed, calls } = this.of
    for (const call of calls.filter((one) => one.kind === 'read' && one !== list)) {
      const id = idMember(call, listed.key)
      const answered = singleOf(call, listed.reference) ?? sameList(call, listed.reference)
      if (!id || !answered) continue
      return {
        ...this.request(call, { [id.name]: id.many ? '${ ids }' : '${ id }' }),
        ...(id.many ? { batch: 100 } : {}),
        records: answered,
      }
    }
    return null
  }

  private write(): Made {
    const [create, update, remove] = (['create', 'update', 'delete'] as const).map((kind) => this.first(kind))
    const gone = remove && idMember(remove, this.of.listed.key)
    const values = (call: Call, beside: Made) => {
      const record = this.recordIn(call)
      return this.request(
        call,
        record ? { ...beside, [record.name]: this.namespaces.values(record.schema, call.lookup, false) } : beside,
      )
    }
    return {
      ...(create ? { create: { ...(this.flat(create) ?? values(create, {})), id: this.idOf(create) } } : {}),
      ...(update ? { update: { ...this.changes(update), partial: false } } : {}),
      ...(remove && gone ? { delete: this.request(remove, { [gone.name]: gone.many ? ['${ id }'] : '${ id }' }) } : {}),
    }
  }

  /** A request whose members are the record's own. */
  private flat(call: Call): Made | null {
    if (this.recordIn(call)) return null
    return { ...this.request(call, {}), content: this.namespaces.values(call.input, call.lookup, false) }
  }

  private changes(call: Call): Made {
    const { key } = this.of.listed
    const record = this.recordIn(call)
    const id = idMember(call, key)
    if (!record)
      return { ...this.flat(call), content: this.namespaces.values(call.input, call.lookup, id?.name ?? key) }
    const inside = id ? false : key
    return this.request(call, {
      ...(id ? { [id.name]: id.many ? ['${ id }'] : '${ id }' } : {}),
      [record.name]: this.namespaces.values(record.schema, call.lookup, inside),
    })
  }

  /** The member of a request that is a record of the stream. */
  private recordIn({ input, lookup }: Call): { name: string; schema: RawSchema } | null {
    const { reference, record } = this.of.listed
    const members = Object.entries(input.properties ?? {})
    const named = members.find(([, schema]) => reference !== null && (schema.$ref ?? schema.items?.$ref) === reference)
    const alike = members.find(([, schema]) => {
      const names = Object.keys(resolved(schema, lookup)?.properties ?? {})
      return names.length > 1 && names.filter((name) => namesOf(record).includes(name)).length > names.length / 2
    })
    const found = named ?? alike
    return found ? { name: found[0], schema: found[1].items ?? found[1] } : null
  }

  /** Where the answer to a create says the new id. */
  private idOf({ operation, noun, lookup }: Call): string {
    if (!operation.output) return 'response.id'
    const answer = typeOfSchema(operation.output, lookup)
    if (answer.kind === 'scalar') return 'response'
    const { key } = this.of.listed
    const names = namesOf(answer)
    const scalars = names.filter((name) => member(answer, name).kind === 'scalar')
    const wanted = [key, `${noun}_id`, 'id'].map(plain)
    const direct =
      scalars.find((name) => wanted.includes(plain(name))) ??
      scalars.find((name) => /id$/i.test(name)) ??
      (names.length === 1 ? scalars[0] : undefined)
    if (direct) return `response.${quoted(direct)}`
    const inner = names.find((name) => namesOf(member(answer, name)).includes(key))
    return inner ? `response.${quoted(inner)}.${quoted(key)}` : `response.${quoted(key)}`
  }
}

/** Where a call answers with a list of the same records. */
function sameList(call: Call, reference: string | null): string | null {
  const listed = listOf(call)
  return listed && reference !== null && listed.reference === reference ? listed.records : null
}
