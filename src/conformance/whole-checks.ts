/** Checks over everything that was seen during the others. */
import { compileSchema, type Json, type JsonObject } from '../core/index.ts'
import { at, stepOf } from '../simulator/index.ts'
import { agreed, type ConnectorCheck, few, nothing, type StreamCheck, type StreamTest } from './check.ts'
import { alike } from './write-checks.ts'

type Schema = {
  properties?: Record<string, Schema>
  items?: Schema
  type?: string | string[]
  additionalProperties?: unknown
}

/** Paths of the leaves of a schema; lists are looked into. */
function pathsOf(schema: Schema | undefined, prefix = ''): string[] {
  const inner = schema?.properties ?? schema?.items?.properties
  if (!inner || Object.keys(inner).length === 0) return prefix ? [prefix] : []
  return Object.entries(inner).flatMap(([name, item]) =>
    pathsOf(item, prefix ? `${prefix}.${stepOf(name)}` : stepOf(name)),
  )
}

export const mapsFields: StreamCheck = async ({ subject, stream, info, use }) => {
  if (!info.abilities.read) return nothing('the stream is not read')
  if (subject.isStore && pathsOf(info.readSchema as Schema).length === 0) return mapsAll({ subject, stream, info, use })
  agreed(info.readSchema !== undefined, 'the stream has no schema')
  const { records } = await subject.whole(stream, use)
  const paths = pathsOf(info.readSchema as Schema)
  const never = paths.filter((path) => !records.some(({ body }) => notEmpty(at(body, path))))
  agreed(never.length === 0, `${never.length} fields of the schema are in no answer (${few(never, 6)})`)
  const validate = compileSchema(info.readSchema)
  for (const { body, id, deleted } of records) {
    const [fault] = deleted ? [] : validate(JSON.parse(JSON.stringify(body)))
    agreed(fault === undefined, `record ${id} is not as its schema says: ${fault?.path.join('.')} ${fault?.message}`)
  }
  agreed(
    paths.length >= 15 || use.all !== undefined,
    `${paths.length} fields are read; 15 are asked for, or all there are (\`all\` of the stream in samples/api.yaml says why)`,
  )
  return `${paths.length} fields${use.all && paths.length < 15 ? `, all there are: ${use.all}` : ''}`
}

/** Where the columns are those of the system, each of its members arrives with its value, and nothing else does. */
async function mapsAll({ subject, stream, use }: StreamTest): Promise<string> {
  const { records } = await subject.whole(stream, use)
  const fields = new Set<string>()
  for (const { id, body } of records) {
    const { record } = subject.entryOf(use, id)!
    for (const name of new Set([...Object.keys(record), ...Object.keys(body)])) {
      fields.add(name)
      agreed(
        alike(body[name], record[name] as Json),
        `${name} of record ${id} is ${JSON.stringify(record[name])} there and is read as ${JSON.stringify(body[name])}`,
      )
    }
  }
  return `${fields.size} fields, all that are there`
}

export const mapsWrites: StreamCheck = async ({ subject, info, use }) => {
  const { create, update, upsert } = info.abilities
  if (!create && !update && !upsert) return nothing('the stream is not written')
  const paths = pathsOf((info.writeSchema ?? info.readSchema) as Schema)
  if (subject.isStore && paths.length === 0)
    return `${Object.keys(use.values ?? {}).length} fields, as the system has them`
  agreed(info.writeSchema !== undefined || info.readSchema !== undefined, 'the stream has no write schema')
  agreed(
    paths.length >= 8 || use.all !== undefined,
    `${paths.length} fields are written; 8 are asked for, or all there are (\`all\` of the stream in samples/api.yaml says why)`,
  )
  return `${paths.length} fields`
}

const notEmpty = (value: unknown): boolean => value !== undefined && value !== null

export const isUnderstood: ConnectorCheck = async ({ simulator }) => {
  const alien = simulator.served.filter((served) => served.alien !== null)
  const said = [...new Set(alien.map(({ method, path, alien: why }) => `${method} ${path}: ${why}`))]
  agreed(said.length === 0, `the vendor does not know ${said.length} of the requests: ${few(said)}`)
  const { length } = simulator.served
  return `${length} requests`
}

export const keepsSecrets: ConnectorCheck = async ({ simulator, exchanges, said, connector }) => {
  const secrets = [...Object.values(simulator.secrets), ...simulator.credentials.made].filter(
    (secret) => secret.length > 8,
  )
  const seen = [...exchanges.map((exchange) => JSON.stringify(exchange)), ...said]
  for (const text of seen)
    for (const secret of secrets)
      for (const form of [secret, Buffer.from(secret).toString('base64').slice(0, -4), encodeURIComponent(secret)])
        agreed(!text.includes(form), `a secret of the connection stands in: ${text.slice(0, 300)}`)
  const { properties = {} } = connector.settings as { properties?: Record<string, JsonObject> }
  const open = Object.entries(await simulator.settings())
    .filter(
      ([name, value]) => Object.values(simulator.secrets).includes(String(value)) && !properties[name]?.['x-secret'],
    )
    .map(([name]) => name)
  agreed(open.length === 0, `settings hold secrets and are not marked as such: ${open.join(', ')}`)
  return `${secrets.length} secrets, ${exchanges.length} exchanges`
}

export const keepsQuota: ConnectorCheck = async ({ simulator, manifest, buckets }) => {
  const { quota, concurrent } = simulator.description
  if (quota.length === 0 && concurrent === undefined) return nothing('the vendor names no quota')
  const { concurrent: atOnce = 4 } = manifest.limits ?? {}
  if (concurrent !== undefined)
    agreed(atOnce <= concurrent, `${atOnce} calls at once are allowed; the vendor takes ${concurrent}`)
  for (const { name, limit, seconds, per } of quota) {
    // Over a longer window than its own, a bucket lets through no more than its rate.
    const keeps = buckets.some(
      (bucket) => (bucket.units / bucket.seconds) * Math.max(seconds, bucket.seconds) <= limit * 1.001,
    )
    agreed(
      keeps || per !== undefined,
      `the vendor takes ${limit} calls in ${seconds} s (${name}), and no limit of the manifest keeps to that`,
    )
  }
  agreed(simulator.mostAtOnce <= atOnce, `${simulator.mostAtOnce} calls were under way at once; ${atOnce} are allowed`)
  return few(
    [
      ...quota.map(({ limit, seconds }) => `${limit} in ${seconds} s`),
      ...(concurrent ? [`${concurrent} at once`] : []),
    ],
    4,
  )
}
