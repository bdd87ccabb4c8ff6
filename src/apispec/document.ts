/** An API description in one shape, whether it was OpenAPI 3, Swagger 2 or OData CSDL. */
import { readFileSync } from 'node:fs'
import { CausewayError, isObject, parseYamlData } from '../core/index.ts'
import type { ApiDocument, Operation } from './contract.ts'
import { readCsdl } from './csdl.ts'
import { introspectionIn, isSdl, readGraphQL } from './graphql.ts'
import { isOfSets, withExpansions, withoutEnvelope } from './odata-openapi.ts'
import { anchored, lookupIn } from './references.ts'
import type { Lookup, RawSchema } from './schema.ts'
import { exemplified } from './types.ts'
import { readWsdlCalls } from './wsdl/calls-of-api.ts'
import { isWsdl } from './wsdl/document.ts'

type Raw = Record<string, unknown>

/** Reads one description or several that together describe an API. Throws CSW-1005 for a file that is none. */
export function readApiDocuments(files: readonly string[]): ApiDocument {
  const [first, ...others] = files.map(readApiDocument)
  const graphql = [first, ...others].find((one) => one?.graphql)?.graphql
  if (!first) throw notReadable('', 'no file was given')
  // References are looked up where they stand: each operation keeps to its own file.
  return {
    ...first,
    editions: [first, ...others].flatMap((one) => one.editions),
    prefixes: [...new Set([first, ...others].flatMap((one) => one.prefixes))],
    // A second file may stand at another address than the first.
    operations: [first, ...others].flatMap((one) =>
      one.operations.map((operation) => ({ prefixes: one.prefixes, ...operation })),
    ),
    tokenPaths: [first, ...others].flatMap((one) => one.tokenPaths),
    marksReadOnly: [first, ...others].some((one) => one.marksReadOnly),
    ofSets: [first, ...others].every((one) => one.ofSets),
    ...(graphql ? { graphql } : {}),
  }
}

/** Reads a description file. Throws CSW-1005 for what is none. */
function readApiDocument(file: string): ApiDocument {
  const text = decoded(readFileSync(file))
  if (isWsdl(text)) return readWsdlCalls(file)
  if (/^\s*</.test(text)) return readCsdl(text, file)
  if (isSdl(text)) return graphqlOf(text, file)
  let raw: unknown
  try {
    raw = /^\s*[{[]/.test(text) ? JSON.parse(text) : parseYamlData(text)
  } catch (cause) {
    throw notReadable(file, (cause as Error).message)
  }
  const introspection = introspectionIn(raw)
  if (introspection) return graphqlOf(introspection, file)
  if (!isObject(raw) || !isObject(raw.paths as never)) throw notReadable(file, 'it has no paths')
  return ofOpenApi(raw as Raw, file)
}

function graphqlOf(given: Parameters<typeof readGraphQL>[0], file: string): ApiDocument {
  try {
    return readGraphQL(given, file)
  } catch (cause) {
    throw notReadable(file, (cause as Error).message)
  }
}

/** The text of a file. Some tools of Windows write metadata as UTF-16. */
const decoded = (bytes: Buffer): string =>
  new TextDecoder(bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8').decode(bytes)

const notReadable = (file: string, why: string) =>
  new CausewayError('CSW-1005', {
    what: `${file} cannot be used as an API description: ${why}.`,
    fix: 'Give OpenAPI 3 or Swagger 2 (JSON or YAML), the $metadata of an OData service, a WSDL (XML), or a GraphQL schema.',
    place: { file },
  })

function ofOpenApi(given: Raw, file: string): ApiDocument {
  const lookup = lookupIn(given, file)
  const raw = anchored(given, file, '') as Raw
  const operations = Object.entries(deref(raw.paths as Raw, lookup) as Record<string, Raw>).flatMap(
    ([path, listed]) => {
      const item = deref(listed, lookup)
      return Object.entries(item).flatMap(([method, operation]) =>
        METHODS.has(method.toLowerCase()) && isObject(operation as never)
          ? [operationOf(method, path, item, deref(operation as Raw, lookup), lookup)]
          : [],
      )
    },
  )
  const schemes = (raw.securityDefinitions ?? (raw.components as Raw | undefined)?.securitySchemes ?? {}) as Record<
    string,
    Raw
  >
  const { title = '', version = '' } = (raw.info ?? {}) as Raw
  const ofSets = isOfSets(operations)
  return {
    file,
    title: String(title),
    editions: [{ title: String(title), version: String(version) }],
    prefixes: [...new Set(['', plainPrefix(String(raw.basePath ?? '')), ...prefixesOfServers(raw)])],
    operations: ofSets ? operations.map(withoutEnvelope).map(withExpansions) : operations,
    security: Object.values(schemes),
    tokenPaths: Object.values(schemes).flatMap(tokenPathsOf),
    lookup,
    marksReadOnly: hasReadOnly(raw),
    ofSets,
  }
}

const hasReadOnly = (value: unknown): boolean =>
  Array.isArray(value)
    ? value.some(hasReadOnly)
    : isObject(value as never) && ((value as Raw).readOnly === true || Object.values(value as Raw).some(hasReadOnly))

const METHODS = new Set(['get', 'post', 'put', 'patch', 'delete', 'head', 'options'])

/** What a reference stands for, which may be a reference again; what stands beside it is added. */
function deref(value: Raw, lookup: Lookup, depth = 0): Raw {
  if (typeof value?.$ref !== 'string' || depth > 20) return value
  const { $ref, ...beside } = value
  return deref({ ...(lookup($ref as string) as Raw | undefined), ...beside }, lookup, depth + 1)
}

/** A prefix begins with a slash and ends without one, however it is written. */
const plainPrefix = (path: string): string => path.replace(/^(?=[^/])/, '/').replace(/\/+$/, '')

type Server = { url?: string; variables?: Record<string, { default?: unknown; enum?: unknown[] }> }

/** Paths of the servers, with their variables as such and with each of their values: one may hold several steps. */
const prefixesOfServers = ({ servers }: Raw): string[] =>
  ((servers as Server[] | undefined) ?? []).flatMap(({ url = '', variables = {} }) => {
    const urls = Object.entries(variables).reduce(
      (made, [name, { default: usual, enum: options = [] }]) =>
        made.flatMap((one) =>
          one.includes(`{${name}}`)
            ? [one, ...[usual ?? [], options].flat().map((value) => one.replaceAll(`{${name}}`, String(value)))]
            : [one],
        ),
      [String(url)],
    )
    return [...new Set(urls.slice(0, MOST_SERVERS).map((one) => plainPrefix(pathOfServer(one))))]
  })
/** Regions and tenants that are listed one by one have the same paths. */
const MOST_SERVERS = 64

/** The path of an address whose scheme, host or both may be variables: `https://{shop}.example.com/v1`, `{server}/v1`. */
const pathOfServer = (url: string): string => url.replace(/^([^/]*:)?\/\/[^/]*/, '').replace(/^\{[^}]*\}(?=\/|$)/, '')

/** Where a security scheme gets its tokens. */
function tokenPathsOf({ tokenUrl, flows }: Raw): string[] {
  const urls = [tokenUrl, ...Object.values((flows ?? {}) as Record<string, Raw>).map((flow) => flow.tokenUrl)]
  return urls.flatMap((url) => (typeof url === 'string' ? [plainPrefix(pathOfServer(url))] : []))
}

function operationOf(method: string, written: string, item: Raw, operation: Raw, lookup: Lookup): Operation {
  // Some tell apart by parameters what has one path: `/contacts?archived=true`.
  const [plain = '', inPath] = written.split(/[?#]/, 2)
  const path = plain.replace(/^(?=[^/])/, '/')
  const given = [
    ...[...new URLSearchParams(inPath).keys()].map((name) => ({ name, in: 'query', schema: {} })),
    ...((item.parameters as Raw[] | undefined) ?? []),
    ...((operation.parameters as Raw[] | undefined) ?? []),
  ].map((parameter) => deref(parameter, lookup))
  const parameters = given.map((parameter) => ({
    name: String(parameter.name),
    in: String(parameter.in),
    required: parameter.required === true,
    schema: (parameter.schema ?? schemaOfContent(parameter, lookup) ?? parameter) as RawSchema,
    // Objects in the query are spread over it unless said otherwise.
    spread: parameter.in === 'query' && (parameter.style ?? 'form') === 'form' && parameter.explode !== false,
  }))
  const own = [...prefixesOfServers(operation), ...prefixesOfServers(item)]
  const body = bodyOf(operation, given, lookup)
  const described = Object.entries((operation.responses ?? {}) as Record<string, Raw>)
  const successes = described.filter(([status]) => status.startsWith('2'))
  const answers = successes.length ? successes : described.filter(([status]) => status === 'default')
  // A batch may succeed in more than one way (200, 207): a member of any of the answers is there.
  const schemas = answers
    .map(([, answer]) => schemaOfContent(deref(answer, lookup), lookup))
    .filter((one) => one !== undefined)
  const schema = schemas.length ? anyOf(schemas) : undefined
  return {
    method: method.toUpperCase(),
    path,
    ...(own.length ? { prefixes: ['', ...own] } : {}),
    ...(operation.summary ? { summary: String(operation.summary) } : {}),
    parameters: parameters.filter((parameter) => parameter.in !== 'body' && parameter.in !== 'formData'),
    ...(body ? { body } : {}),
    ...(schema ? { answer: schema } : {}),
    lookup,
  }
}

function bodyOf(operation: Raw, parameters: Raw[], lookup: Lookup): Operation['body'] {
  const whole = parameters.find((parameter) => parameter.in === 'body')
  if (whole?.schema) return { schema: whole.schema as RawSchema, form: false }
  const fields = parameters.filter((parameter) => parameter.in === 'formData')
  if (fields.length)
    return {
      form: true,
      schema: {
        type: 'object',
        properties: Object.fromEntries(fields.map((field) => [String(field.name), field as RawSchema])),
      },
    }
  const content = deref((operation.requestBody ?? {}) as Raw, lookup).content as Record<string, Raw> | undefined
  if (!content) return undefined
  const types = Object.keys(content).filter((name) => content[name]?.schema)
  const json = types.filter(isJson)
  // A change may be taken as JSON, as a merge patch and as a JSON patch: a member of any of them can be sent.
  const schemas = (json.length ? json : types.slice(0, 1)).map((type) => schemaIn(content[type]!, lookup))
  return schemas.length === 0 ? undefined : { schema: anyOf(schemas), form: json.length === 0 }
}

const anyOf = (schemas: RawSchema[]): RawSchema => (schemas.length > 1 ? { anyOf: schemas } : schemas[0]!)

const isJson = (type: string): boolean => /json/i.test(type) || /^(\*|application)\/\*$/.test(type)

/** Swagger 2 gives the schema itself, OpenAPI 3 one per kind of content. */
function schemaOfContent(answer: Raw, lookup: Lookup): RawSchema | undefined {
  if (answer.schema) {
    const [example] = Object.values((answer.examples ?? {}) as Raw)
    return exemplified(answer.schema as RawSchema, example)
  }
  const content = (answer.content ?? {}) as Record<string, Raw>
  const types = Object.keys(content).filter((name) => isJson(name) && content[name]?.schema)
  return types.length === 0 ? undefined : anyOf(types.map((type) => schemaIn(content[type]!, lookup)))
}

/** The schema of a kind of content, with the example that stands beside it. */
function schemaIn({ schema, example, examples }: Raw, lookup: Lookup): RawSchema {
  const [first] = Object.values((examples ?? {}) as Record<string, Raw | undefined>)
  return exemplified(schema as RawSchema, example ?? (first && deref(first, lookup).value))!
}
