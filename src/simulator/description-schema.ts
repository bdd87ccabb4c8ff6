/** The closed JSON Schema of an API description. */

const any = {}
const text = { type: 'string', minLength: 1 }
const expression = text
const texts = { type: 'array', items: text }
const template = any
const flag = { type: 'boolean' }
const count = { type: 'integer', minimum: 0 }
const map = (values: object) => ({ type: 'object', additionalProperties: values })
const closed = (properties: object, required: string[] = []) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
})

const valueKind = { anyOf: [text, { type: 'array', items: { type: ['string', 'number', 'boolean'] } }] }
const reply = {
  status: { type: ['integer', 'string'] },
  headers: map(template),
  answer: template,
  type: text,
}
const moment = closed({ field: text, as: text, also: texts }, ['field', 'as'])

const collection = closed(
  {
    count: { type: 'integer', minimum: 1 },
    id: closed({ field: text, make: template }, ['field', 'make']),
    updated: moment,
    created: moment,
    step: { type: 'integer', minimum: 1 },
    vary: map(template),
    unique: texts,
    required: texts,
    writable: map(valueKind),
    new: map(template),
    derive: map(template),
    version: text,
    content: closed({
      size: text,
      size_as_text: flag,
      of: text,
      hash: closed({ field: text, algorithm: text, as: { enum: ['hex', 'base64'] } }, ['field', 'algorithm']),
    }),
    deletes: closed({ how: { enum: ['gone', 'flag'] }, set: map(template), kept: flag }, ['how']),
    tombstone: template,
  },
  ['id'],
)

const page = closed(
  {
    by: { enum: ['cursor', 'offset', 'number', 'keyset', 'none'] },
    at: expression,
    size: expression,
    default: count,
    max: count,
    over: { enum: ['clamp', 'refuse'] },
    first: count,
    key: text,
  },
  ['by'],
)

const behaviour = {
  list: text,
  get: text,
  create: text,
  update: text,
  upsert: text,
  delete: text,
  changes: text,
  deleted: text,
  log: texts,
  batch: expression,
  reply: { const: true },
  download: text,
  bytes: text,
  upload: { enum: ['start', 'part', 'finish'] },
  total: expression,
  offset: expression,
  job: text,
  poll: text,
  of_job: text,
  fill_job: text,
  run_job: text,
  archive: expression,
  polls: count,
  session: { enum: ['open', 'add', 'close', 'state'] },
  content: expression,
  refuses: map(expression),
  token: { const: true },
  where: map(expression),
  filter: expression,
  match: expression,
  pick: closed(
    { names: expression, under: text, default: texts, always: texts, missing: { enum: ['null', 'leave'] } },
    ['names'],
  ),
  order: template,
  with_deleted: flag,
  since: expression,
  page,
  item: expression,
  cap: closed({ results: count, ...reply }, ['results']),
  values: expression,
  merge: { enum: ['deep', 'shallow', 'replace'] },
  if_version: expression,
  max: count,
  done: template,
  failed: template,
  all_or_nothing: flag,
}

const route = closed({
  ...behaviour,
  ...reply,
  each: closed(behaviour),
  runs: map(closed({ ...behaviour, each: closed(behaviour) })),
  when: expression,
  calls: expression,
  stops: expression,
  graphql: closed({ schema: text, resolve: map(closed({ ...behaviour, ...reply, each: closed(behaviour) })) }, [
    'schema',
    'resolve',
  ]),
  query: map(valueKind),
  body: map(valueKind),
  open: flag,
  accept: expression,
  lasts_seconds: count,
  rotates: flag,
  consumes: text,
})

const problems = [
  'unauthorized',
  'unknown_route',
  'not_found',
  'invalid',
  'duplicate',
  'conflict',
  'too_many',
  'expired',
  'throttled',
  'down',
]

const event = closed({ created: template, updated: template, deleted: template })

/** Instead of `errors` and `routes`, for what is no API over HTTP: where the records lie. */
const store = closed(
  {
    kind: { enum: ['bucket', 'directory', 'file', 'rows'] },
    ...{ bucket: text, prefix: text, page: { type: 'integer', minimum: 1 } },
    format: { enum: ['csv', 'jsonl', 'xlsx'] },
    on: { enum: ['folder', 'sftp', 'bucket'] },
    ...{ name: text, days: texts, table: text, columns: map(text), changes: text, base: text, log: text, user: text },
  },
  ['kind'],
)

export const descriptionSchema = closed(
  {
    source: {
      type: 'array',
      minItems: 1,
      items: closed({ what: text, url: text, read: text }, ['what', 'url', 'read']),
    },
    secrets: map(template),
    settings: map(template),
    define: map(expression),
    keys: texts,
    speaks: {
      anyOf: [
        closed({ soap: { enum: ['1.1', '1.2'] }, namespaces: map(text), sequences: map(texts) }, [
          'soap',
          'namespaces',
        ]),
        closed({ xmlrpc: { const: true }, times: texts, base64: texts, doubles: texts }, ['xmlrpc']),
      ],
    },
    auth: closed({
      headers: map(template),
      query: map(template),
      body: map(template),
      basic: closed({ user: template, password: template }),
      when: expression,
    }),
    headers: map(template),
    errors: {
      ...closed(Object.fromEntries(problems.map((name) => [name, closed(reply)])), [
        'unauthorized',
        'not_found',
        'invalid',
        'throttled',
        'down',
      ]),
    },
    store,
    collections: map(collection),
    // Vendors' own descriptions the manifest was held against (`--spec`), for the capability sheet.
    compared: texts,
    // What certain descriptions lack although the API has it: unknown there, not wrong.
    left_out: {
      type: 'array',
      items: closed({ by: text, before: text, names: texts, why: { type: 'string', minLength: 10 } }, [
        'by',
        'names',
        'why',
      ]),
    },
    streams: map(
      closed({
        collection: text,
        key: text,
        only: map(any),
        all: text,
        missing: template,
        fixed: map(text),
        read_as: map(template),
        found_by: map(text),
        values: map(template),
        update: map(template),
        refused: map(template),
        changes: { enum: ['whole'] },
      }),
    ),
    // The same installation with other settings: the checks of these streams are run once more.
    variants: map(
      closed({ settings: map(template), streams: texts, only: { enum: ['writes'] } }, ['settings', 'streams']),
    ),
    routes: map(route),
    quota: {
      type: 'array',
      items: closed(
        { name: text, limit: count, seconds: { type: 'number' }, per: expression, headers: map(template) },
        ['name', 'limit', 'seconds'],
      ),
    },
    concurrent: count,
    idempotency: closed({ key: expression }, ['key']),
    webhooks: closed(
      {
        headers: map(template),
        as: { enum: ['json', 'form'] },
        events: map(event),
        handshake: closed(
          { body: template, headers: map(template), query: map(template), answers: template, status: count },
          ['answers'],
        ),
        query: map(template),
        token: { enum: ['header', 'query', 'body'] },
        unsigned: flag,
        timeless: flag,
        // Where what was ordered is kept, and at which paths its address and secret stand.
        subscriptions: closed({ collection: text, url: text, secret: text }, ['collection', 'url']),
      },
      ['headers', 'events'],
    ),
    ignores: texts,
  },
  ['source', 'settings', 'errors', 'collections', 'routes'],
)

/** Of a system that is no API over HTTP. */
export const storeDescriptionSchema = { ...descriptionSchema, required: ['source', 'settings', 'collections', 'store'] }
