/**
 * The description of a vendor's API: `connectors/<system>/samples/api.yaml`. Written by hand from the vendor's documentation,
 * never from the manifest, so that the two can disagree. Texts called "expression" are JSONata; in every other value, `${ }`
 * inserts are.
 */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CausewayError, compileSchema, type Place, parseYaml, throwOnErrors, validateYaml } from '../core/index.ts'
import { descriptionSchema, storeDescriptionSchema } from './description-schema.ts'
import { type Item, isItem } from './paths.ts'
import type { ProblemKind } from './problem.ts'
import type { Speech } from './speech.ts'

/** A value with inserts. */
type Template = unknown
type ExpressionText = string

/** What an answer is made of. `status` may be a text with inserts. */
export type Reply = { status?: number | string; headers?: Record<string, Template>; answer?: Template; type?: string }

export type Collection = {
  /** The sample records, in the vendor's answer shape. */
  samples: Item[]
  count: number
  id: { field: string; make: Template }
  updated?: { field: string; as: string; also?: string[] }
  created?: { field: string; as: string; also?: string[] }
  /** Seconds between the changes of one record and the next. */
  step: number
  /** Members of generated records that differ from their sample's; names: `i`, `id`, `record`. */
  vary?: Record<string, Template>
  unique: string[]
  required: string[]
  /** What may be written, by path: the kind of value. */
  writable?: Record<string, ValueKind>
  /** What a new record holds before the written values; names: `n`, `id`, `now`, `values`. */
  new?: Item
  /** Members computed after each write; names: `record`, `now`. */
  derive?: Record<string, Template>
  version?: string
  /** For collections of files: where the record says how many bytes there are, and their digest. */
  content?: {
    size?: string
    size_as_text?: boolean
    /** The member that tells records with bytes from others (folders); without it, all have some. */
    of?: string
    hash?: { field: string; algorithm: string; as?: 'hex' | 'base64' }
  }
  /** `kept`: what is marked as deleted can still be written, as if it were there. */
  deletes: { how: 'gone' } | { how: 'flag'; set: Item; kept?: boolean }
  /** What the feed of changes says of a record that is gone; names: `id`, `record`, `at`. */
  tombstone?: Template
}

/** A kind of value: `text`, `integer`, `1..100`, …; `text!` may not be null; a list names the options. */
export type ValueKind = string | (string | number | boolean)[]

export type Page = {
  by: 'cursor' | 'offset' | 'number' | 'keyset' | 'none'
  at?: ExpressionText
  size?: ExpressionText
  default: number
  max: number
  over: 'clamp' | 'refuse'
  first: number
  key?: string
}

export type Behaviour = {
  list?: Template
  get?: Template
  create?: Template
  update?: Template
  upsert?: Template
  delete?: Template
  changes?: Template
  deleted?: Template
  /** The log of what happened to the records of these collections; `item` sees `kind`, `collection`, `n`, `ms` and `record`. */
  log?: string[]
  batch?: ExpressionText
  reply?: true
  /** Answers the bytes of one record. */
  download?: Template
  /** For creates and updates: where the bytes are: the body, or a part of a form (`file`). */
  bytes?: 'body' | (string & {})
  /** Uploads in parts: `start` gives an address, `part` takes a range; the last one does what `create` or `update` says. */
  upload?: 'start' | 'part' | 'finish'
  /** Size of the whole upload, where the start says it; where a part belongs, when no Content-Range does. */
  total?: ExpressionText
  offset?: ExpressionText
  /** Work on the vendor's own time, by a name: `job` starts it (with a `batch`, and does it), `poll` asks after it, `of_job` is for the result. */
  job?: string
  poll?: string
  of_job?: string
  /** Jobs that write: `fill_job` takes the body, `run_job` does what `runs` says for the job's `operation`; see `job.outcome`. */
  fill_job?: string
  run_job?: string
  runs?: Record<string, Behaviour>
  /** Answers a gzipped tar archive: an expression that gives its files, each `{ name, content }`; what is no text is written as JSON. */
  archive?: ExpressionText
  /** After how many questions a job is ready. */
  polls?: number
  /** A session that is opened, filled record by record (each does what `each` says; `done` and `failed` tell of it), closed and asked. */
  session?: 'open' | 'add' | 'close' | 'state'
  /** For `add`: the bytes of the record in Base64. */
  content?: ExpressionText
  /** What is refused: an expression by what is said of it; a connector that sends it is wrong. */
  refuses?: Record<string, ExpressionText>
  token?: true
  /** Which records: a path (`id`, `updated >=`) and the expression it is compared with; no value, no condition. */
  where?: Record<string, ExpressionText>
  /** Which records, in the vendor's own filter language: an expression that makes comparisons of it (see README). */
  filter?: ExpressionText
  /** Which records, said freely: an expression that sees `record`. */
  match?: ExpressionText
  /** Paths to order by, `-` before one turns it round; a text with inserts gives them per request. */
  order?: Template
  with_deleted?: boolean
  /** For `changes`: the mark after which changes count. */
  since?: ExpressionText
  page?: Page
  /** Members shown, where a request names them: an expression, the object they lie in, what is shown unasked. */
  pick?: { names: ExpressionText; under?: string; default?: string[]; always?: string[]; missing?: 'null' | 'leave' }
  /** A record as this answer shows it. */
  item?: ExpressionText
  cap?: { results: number } & Reply
  /** For writes: an expression that gives what is written, in the shape of the record. */
  values?: ExpressionText
  merge?: 'deep' | 'shallow' | 'replace'
  /** The version a write is conditional on. */
  if_version?: ExpressionText
  max?: number
  each?: Behaviour
  /** For `batch`: what the answer says of one item that was done, and of one that was refused. */
  done?: Template
  failed?: Template
  all_or_nothing?: boolean
}

export type Route = Behaviour &
  Reply & {
    /** A schema file beside the description, and what the fields of Query and Mutation do; names: `args`. */
    graphql?: GraphQL
    /**
     * Requests in the body, each served like one of its own: a list of method, path or url, headers, body; name `answers`. With
     * `job`, they are its work, and their answers its outcomes.
     */
    calls?: ExpressionText
    /** True where the requests behind a refused one are not looked at. */
    stops?: ExpressionText
    when?: ExpressionText
    query?: Record<string, ValueKind>
    body?: Record<string, ValueKind>
    open?: boolean
    accept?: ExpressionText
    lasts_seconds?: number
    rotates?: boolean
    consumes?: string
  }

type Auth = {
  headers?: Record<string, Template>
  query?: Record<string, Template>
  body?: Record<string, Template>
  basic?: { user?: Template; password?: Template }
  /** Said freely: an expression over the request that is true when it carries what it must. */
  when?: ExpressionText
}

export type Quota = {
  name: string
  limit: number
  seconds: number
  per?: ExpressionText
  headers?: Record<string, Template>
}

type Webhooks = {
  /** Headers of every event; they see `body` (the text that is sent), `time` and `secrets`. */
  headers: Record<string, Template>
  as: 'json' | 'form'
  /** Events by stream and what happened. */
  events: Record<string, Partial<Record<'created' | 'updated' | 'deleted', Template>>>
  handshake?: {
    body?: Template
    headers?: Record<string, Template>
    query?: Record<string, Template>
    answers: Template
    status?: number
  }
  /** Parameters of the address that is called. */
  query?: Record<string, Template>
  /** Where a shared token travels, for vendors that send one instead of signing. */
  token?: 'header' | 'query' | 'body'
  /** The collection of what was ordered; paths in its records. */
  subscriptions?: { collection: string; url: string; secret?: string }
  /** True where the vendor signs nothing, so that nothing can be refused. */
  unsigned?: boolean
  /** True where an old delivery is as good as a new one: nothing says when it was sent. */
  timeless?: boolean
}

/** Other settings; `only: writes` where reads do not know them. */
type Variant = { settings: Record<string, Template>; streams: string[]; only?: 'writes' }

/** How the suite uses a stream of the connector. */
type StreamUse = {
  collection: string
  /** The member the stream's id comes from, where it is not the collection's own. */
  key?: string
  /** Members (path: value; null for none) of the records that the stream shows, where it shows some of a collection only. */
  only?: Record<string, unknown>
  /** Why the stream has fewer fields than are asked for: all there are. */
  all?: string
  /** An id that no record has. */
  missing?: Template
  /** Fields that can be written at creation only; the values say why. */
  fixed?: Record<string, string>
  /** Where the body of a record holds what it is looked up by, where the field is called otherwise there. */
  found_by?: Record<string, string>
  /** How a written value is read, where its shape differs: a template that sees it as `value`. */
  read_as?: Record<string, Template>
  /** Values the vendor refuses, in the stream's words. */
  refused?: Record<string, Template>
  /** Values for fields that cannot be made up from the schema; names: `n`, `state`. */
  values?: Record<string, Template>
  /** For an update, where the values must differ in kind from those of a create. */
  update?: Record<string, Template>
  /** `whole` where what changed is read together with all the rest. */
  changes?: 'whole'
}

/** A system that is no API: where its records lie. Which of the members count is a matter of the kind. */
export type StoreSpec = {
  kind: 'bucket' | 'directory' | 'file' | 'rows'
  /** The name of a bucket, and what its keys begin with. */
  bucket?: string
  prefix?: string
  /** The most records the system gives at once, below what it is asked for. */
  page?: number
  /** A file: how it is written, its name, where it lies, the columns that are days. */
  format?: 'csv' | 'jsonl' | 'xlsx'
  name?: string
  on?: 'folder' | 'sftp' | 'bucket'
  days?: string[]
  /** A table: its columns with their types, the one that each change sets anew. */
  table?: string
  columns?: Record<string, string>
  changes?: string
  /** A directory: the suffix of its entries and of its change log, who may read it. */
  base?: string
  log?: string
  user?: string
}

/** What descriptions of the API leave out although the API has it; they are known by their title and version (`info`). */
export type LeftOut = {
  by: string
  /** Only editions before this version. */
  before?: string
  /** Requests (`PUT /contacts/…`), parameters, and members with those inside them, by the name of their row or the end of it. */
  names: string[]
  /** Where it stands that the API has it. */
  why: string
}

export type Description = {
  file: string
  folder: string
  source: { what: string; url: string; read: string }[]
  secrets: Record<string, Template>
  settings: Record<string, Template>
  define: Record<string, ExpressionText>
  /** Names of the RSA keys the vendor publishes, made anew for each installation; see cipher.ts for the functions. */
  keys: string[]
  /** The envelope of all requests and answers; names then: `operation`, `header` and `action`, or `params`. */
  speaks?: Speech
  auth: Auth
  headers: Record<string, Template>
  errors: Partial<Record<ProblemKind, Reply>>
  store?: StoreSpec
  collections: Record<string, Collection>
  streams: Record<string, StreamUse>
  /** Settings under which the connector takes another way, and the streams that are checked on it once more. */
  variants: Record<string, Variant>
  routes: Record<string, Route>
  quota: Quota[]
  concurrent?: number
  idempotency?: { key: ExpressionText }
  webhooks?: Webhooks
  ignores: string[]
  left_out?: LeftOut[]
}

const PAGE = { default: 20, max: 100, over: 'refuse', first: 0 } as const
const COLLECTION = { count: 25, step: 3600, unique: [], required: [], deletes: { how: 'gone' } } as const

/** Reads and completes a description. Throws CSW-1004 or CSW-1005 with the place of the first fault. */
export function readDescription(file: string): Description {
  const yaml = parseYaml(readFileSync(file, 'utf8'), file)
  const isStore = isItem(yaml.value) && 'store' in yaml.value
  throwOnErrors(validateYaml(yaml, compileSchema(isStore ? storeDescriptionSchema : descriptionSchema)))
  const written = yaml.value as Partial<Description>
  const folder = dirname(file)
  const collections = mapped(written.collections ?? {}, (given, name) => ({
    ...COLLECTION,
    ...given,
    samples: samplesOf(folder, `${name}.json`, yaml.placeOf(['collections', name])),
    id: given.id,
  }))
  return {
    secrets: {},
    settings: {},
    define: {},
    keys: [],
    auth: {},
    headers: {},
    errors: {},
    quota: [],
    variants: {},
    ignores: [],
    source: [],
    ...written,
    file,
    folder,
    collections,
    streams: mapped(written.streams ?? mapped(collections, (_, name) => ({ collection: name })), (use, name) => ({
      ...use,
      collection: use.collection ?? name,
    })),
    routes: mapped(written.routes ?? {}, withPage),
    ...(written.webhooks ? { webhooks: { ...written.webhooks, as: written.webhooks.as ?? 'json' } } : {}),
  }
}

/** The same with its page completed, also inside a batch and in the fields of GraphQL. */
function withPage(route: Route): Route {
  const { page, each, graphql } = route
  return {
    ...route,
    ...(page ? { page: { ...PAGE, ...(page.by === 'number' ? { first: 1 } : {}), ...page } } : {}),
    ...(each ? { each: withPage(each) } : {}),
    ...(graphql ? { graphql: { ...graphql, resolve: mapped(graphql.resolve, withPage) } } : {}),
  }
}

function mapped<T, R>(from: Record<string, T>, make: (value: T, name: string) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(from).map(([name, value]) => [name, make(value, name)]))
}

function samplesOf(folder: string, name: string, place: Place): Item[] {
  const file = join(folder, name)
  const fail = (what: string) =>
    new CausewayError('CSW-1005', {
      what,
      fix: `Put a list of records as the vendor answers them into ${name}.`,
      place,
    })
  let read: unknown
  try {
    read = JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw fail(`The samples of the collection cannot be read: ${(cause as Error).message}`)
  }
  if (!Array.isArray(read) || read.length === 0 || !read.every(isItem)) throw fail(`${name} is not a list of records.`)
  return read
}

export type Resolver = Behaviour & Reply & { failed?: Template }

export type GraphQL = { schema: string; resolve: Record<string, Resolver> }
