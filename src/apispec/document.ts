/** An API description in one shape, whether it was OpenAPI 3, Swagger 2 or OData CSDL. */
import { readFileSync } from 'node:fs'
import { CausewayError, isObject, parseYamlData } from '../core/index.ts'
import { readCsdl } from './csdl.ts'
import type { Lookup, RawSchema } from './schema.ts'

export type Parameter = { name: string; in: string; required: boolean; schema?: RawSchema }
export type Operation = {
  method: string
  /** As the description writes it: `/contacts/{id}`. */
  path: string
  summary?: string
  parameters: Parameter[]
  body?: { schema: RawSchema; form: boolean }
  /** Schema of the answer that means success; absent where it has no body or none is described. */
  answer?: RawSchema
  /** What references in its schemas stand for. */
  lookup: Lookup
}

export type ApiDocument = {
  file: string
  title: string
  /** What may stand before the paths: base path, or path of a server. */
  prefixes: string[]
  operations: Operation[]
  security: Record<string, unknown>[]
  lookup: Lookup
}

type Raw = Record<string, unknown>

/** Reads one description or several that together describe an API. Throws CSW-1005 for a file that is none. */
export function readApiDocuments(files: readonly string[]): ApiDocument {
  const [first, ...others] = files.map(readApiDocument)
  if (!first) throw notReadable('', 'no file was given')
  // References are looked up where they stand: each operation keeps to its own file.
  return {
    ...first,
    prefixes: [...new Set([first, ...others].flatMap((one) => one.prefixes))],
    operations: [first, ...others].flatMap((one) => one.operations),
  }
}

/** Reads a description file. Throws CSW-1005 for what is none. */
function readApiDocument(file: string): ApiDocument {
  const text = readFileSync(file, 'utf8')
  if (/^\s*(\uFEFF)?</.test(text)) return readCsdl(text, file)
  let raw: unknown
  try {
    raw = /^\s*[{[]/.test(text) ? JSON.parse(text) : parseYamlData(text)
  } catch (cause) {
    throw notReadable(file, (cause as Error).message)
  }
  if (!isObject(raw) || !isObject(raw.paths as never)) throw notReadable(file, 'it has no paths')
  return ofOpenApi(raw as Raw, file)
}

const notReadable = (file: string, why: string) =>
  new CausewayError('CSW-1005', {
    what: `${file} cannot be used as an API description: ${why}.`,
    fix: 'Give OpenAPI 3 or Swagger 2 (JSON or YAML), or the $metadata of an OData service (XML).',
    place: { file },
  })

function ofOpenApi(raw: Raw, file: string): ApiDocument {
  const lookup: Lookup = (reference) => pointed(raw, reference)
  const operations = Object.entries(raw.paths as Record<string, Raw>).flatMap(([path, item]) =>
    Object.entries(deref(item, lookup)).flatMap(([method, operation]) =>
      METHODS.has(method) ? [operationOf(method, path, deref(item, lookup), operation as Raw, lookup)] : [],
    ),
  )
  const servers = (raw.servers as { url: string }[] | undefined) ?? []
  const schemes = (raw.securityDefinitions ?? (raw.components as Raw | undefined)?.securitySchemes ?? {}) as Record<
    string,
    Raw
  >
  return {
    file,
    title: String((raw.info as Raw | undefined)?.title ?? ''),
    prefixes: [
      ...new Set(
        ['', String(raw.basePath ?? ''), ...servers.map(({ url }) => pathOfServer(url))].map((prefix) =>
          prefix.replace(/\/$/, ''),
        ),
      ),
    ],
    operations,
    security: Object.values(schemes),
    lookup,
  }
}

const METHODS = new Set(['get', 'post', 'put', 'patch', 'delete', 'head', 'options'])

const deref = (value: Raw, lookup: Lookup): Raw =>
  typeof value.$ref === 'string' ? ((lookup(value.$ref) as Raw | undefined) ?? {}) : value

function pointed(raw: Raw, reference: string): RawSchema | undefined {
  let found: unknown = raw
  for (const step of reference.replace(/^#\//, '').split('/')) {
    const name = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')
    found = isObject(found as never) ? (found as Raw)[name] : undefined
  }
  return isObject(found as never) ? (found as RawSchema) : undefined
}

function pathOfServer(url: string): string {
  const path = url.replace(/^[a-z]+:\/\/[^/]*/i, '')
  return path === '/' ? '' : path
}

function operationOf(method: string, path: string, item: Raw, operation: Raw, lookup: Lookup): Operation {
  const given = [
    ...((item.parameters as Raw[] | undefined) ?? []),
    ...((operation.parameters as Raw[] | undefined) ?? []),
  ].map((parameter) => deref(parameter, lookup))
  const parameters = given.map((parameter) => ({
    name: String(parameter.name),
    in: String(parameter.in),
    required: parameter.required === true,
    ...(parameter.schema ? { schema: parameter.schema as RawSchema } : { schema: parameter as RawSchema }),
  }))
  const body = bodyOf(operation, given, lookup)
  const described = Object.entries((operation.responses ?? {}) as Record<string, Raw>)
  const successes = described.filter(([status]) => status.startsWith('2'))
  const answers = successes.length ? successes : described.filter(([status]) => status === 'default')
  // A batch may succeed in more than one way (200, 207): a member of any of the answers is there.
  const schemas = answers.map(([, answer]) => schemaOfContent(deref(answer, lookup))).filter((one) => one !== undefined)
  const schema: RawSchema | undefined = schemas.length > 1 ? { anyOf: schemas } : schemas[0]
  return {
    method: method.toUpperCase(),
    path,
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
  const type = Object.keys(content).find((name) => name.includes('json')) ?? Object.keys(content)[0]
  const schema = type === undefined ? undefined : (content[type]?.schema as RawSchema | undefined)
  return schema ? { schema, form: !type!.includes('json') } : undefined
}

function schemaOfContent(answer: Raw): RawSchema | undefined {
  if (answer.schema) return answer.schema as RawSchema
  const content = (answer.content ?? {}) as Record<string, Raw>
  const type = Object.keys(content).find((name) => name.includes('json') || name === '*/*')
  return type === undefined ? undefined : (content[type]?.schema as RawSchema | undefined)
}
