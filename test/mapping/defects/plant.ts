/** One planter for each kind of defect; gives the content with the mark before the defect, or nothing where it has no place. */

import type { Random } from '../../random.ts'
import type { Planted } from './corpus.ts'
import {
  at,
  expressions,
  type Leaf,
  leaves,
  misspelt,
  propertiesOf,
  put,
  rekeyed,
  type Schema,
  sourceFields,
  templatePath,
  tokens,
  typesOf,
} from './sites.ts'
import { broken, MARK } from './write-yaml.ts'

export type Planter = (planted: Planted, random: Random) => Record<string, unknown> | undefined

const FIELD_WORDS = new Set(['and', 'or', 'in', 'true', 'false', 'null', 'function'])
const allFields = (schema: unknown): string[] => {
  const properties = propertiesOf(schema)
  return Object.entries(properties).flatMap(([name, field]) => [
    name,
    ...allFields(field),
    ...allFields((field as Schema).items),
  ])
}
const knownNames = ({ systems }: Planted): Set<string> =>
  new Set([systems.from.readSchema, ...Object.values(systems.joins).map((join) => join?.readSchema)].flatMap(allFields))

/** Replaces an expression by another one, broken over lines now and then. */
const withExpression = (planted: Planted, path: (string | number)[], source: string, random: Random) =>
  put(planted.content, path, broken(source, random))

/** An expression of the mapping, inside something that leaves it as it is, so that defects stand at different depths. */
function surround(defect: string, random: Random): string {
  return random.pick([defect, `(${defect})`, `$now() != "" ? ${defect} : null`, `(\n  $kept := 1;\n  ${defect}\n)`])
}

const textLeaves = (planted: Planted): Leaf[] =>
  leaves(planted).filter(
    ({ schema }) => schema && typesOf(schema).includes('string') && !schema.enum && !schema.pattern,
  )
const fieldsOfType = (planted: Planted, holds: (schema: Schema) => boolean) =>
  sourceFields(planted.systems.from).filter(({ schema }) => holds(schema))
const neverNull = (schema: Schema): boolean => typesOf(schema).length > 0 && !typesOf(schema).includes('null')
const isText = (schema: Schema): boolean => typesOf(schema).includes('string')

const misspeltPath: Planter = (planted, random) => {
  const known = knownNames(planted)
  const places = expressions(planted).flatMap(({ path, source }) =>
    tokens(source)
      .filter(
        ({ token, offset }) =>
          known.has(token) && token.length >= 4 && !FIELD_WORDS.has(token) && source[offset + token.length] !== '(',
      )
      .map((one) => ({ path, source, ...one })),
  )
  if (!places.length) return undefined
  const { path, source, token, offset } = random.pick(places)
  const wrong = misspelt(token, random)
  if (known.has(wrong)) return undefined
  return withExpression(
    planted,
    path,
    `${source.slice(0, offset)}${MARK}${wrong}${source.slice(offset + token.length)}`,
    random,
  )
}

const unknownFunction: Planter = (planted, random) => {
  const { path, source } = random.pick(leaves(planted))
  const calls = tokens(source).filter(
    ({ token, offset }) => token.startsWith('$') && source[offset + token.length] === '(',
  )
  if (calls.length === 0 || random.chance(0.4))
    return withExpression(
      planted,
      path,
      surround(`${MARK}$${misspelt('uppercase', random)}(${source})`, random),
      random,
    )
  const { token, offset } = random.pick(calls)
  return withExpression(
    planted,
    path,
    `${source.slice(0, offset)}${MARK}$${misspelt(`${token.slice(1)}er`, random)}${source.slice(offset + token.length)}`,
    random,
  )
}

const unknownVariable: Planter = (planted, random) => {
  const { path, source } = random.pick(leaves(planted))
  const variables = tokens(source).filter(
    ({ token, offset }) => /^\$[a-z]{4}/.test(token) && source[offset + token.length] !== '(',
  )
  if (variables.length === 0 || random.chance(0.3))
    return withExpression(planted, path, `${source} & ${MARK}$nobody`, random)
  const { token, offset } = random.pick(variables)
  return withExpression(
    planted,
    path,
    `${source.slice(0, offset)}${MARK}$${misspelt(token.slice(1), random)}${source.slice(offset + token.length)}`,
    random,
  )
}

const wrongArity: Planter = (planted, random) => {
  const { path, source } = random.pick(leaves(planted))
  const call = random.pick([
    `$lowercase(${source}, "x")`,
    `$length(${source}, 1, 2)`,
    `$substring(${source}, 1, 2, 3)`,
    '$split()',
    `$contains(${source}, "a", "b")`,
    `$phone(${source}, "PL", 1)`,
  ])
  return withExpression(planted, path, surround(`${MARK}${call}`, random), random)
}

const wrongType: Planter = (planted, random) => {
  const { path } = random.pick(leaves(planted))
  const texts = fieldsOfType(planted, (schema) => typesOf(schema).join() === 'string')
  const own = texts.map((field) => field.path)
  const expression = random.pick([
    `$uppercase(${MARK}5)`,
    `3 * ${MARK}"a"`,
    `$sum(${MARK}"a")`,
    `$floor(${MARK}true)`,
    `${MARK}"a" - 1`,
    `1 + ${MARK}{ "a": 1 }`,
    `5 < ${MARK}"a"`,
    ...(own.length ? [`${MARK}${random.pick(own)} * 2`, `$round(${MARK}${random.pick(own)})`] : []),
  ])
  return withExpression(planted, path, surround(expression, random), random)
}

const missingField: Planter = (planted, random) => {
  const top = templatePath(planted)
  const objects = [{ path: top, schema: planted.systems.to.writeSchema as Schema | undefined }, ...nested(planted)]
  const places = objects.flatMap(({ path, schema }) =>
    ((schema?.required ?? []) as string[]).map((name) => ({ path, name })),
  )
  const mapped = places.filter(({ path, name }) => Object.keys(at(planted.content, path) as object).includes(name))
  if (planted.content.mode === 'update-only' || !mapped.length) return undefined
  const { path, name } = random.pick(mapped)
  if (Object.keys(at(planted.content, path) as object).length < 2) return undefined
  const rest = rekeyed(planted.content, path, (key) => (key === name ? undefined : key))
  const first = Object.keys(at(rest, path) as object)[0]
  return rekeyed(rest, path, (key) => (key === first ? `${MARK}${key}` : key))
}

function nested(planted: Planted): { path: (string | number)[]; schema: Schema | undefined }[] {
  const top = templatePath(planted)
  return Object.entries(at(planted.content, top) as object)
    .filter(([, value]) => typeof value === 'object' && value !== null && !Array.isArray(value))
    .map(([key]) => ({ path: [...top, key], schema: propertiesOf(planted.systems.to.writeSchema)[key] }))
}

const unknownField: Planter = (planted, random) => {
  const top = templatePath(planted)
  const objects = [{ path: top, schema: planted.systems.to.writeSchema as Schema | undefined }, ...nested(planted)]
  const { path, schema } = random.pick(objects)
  const keys = Object.keys(at(planted.content, path) as object).filter(
    (key) =>
      key.length >= 4 &&
      Object.hasOwn(propertiesOf(schema), key) &&
      !((schema?.required ?? []) as string[]).includes(key),
  )
  if (!keys.length) return undefined
  const key = random.pick(keys)
  const wrong = misspelt(key, random)
  if (Object.hasOwn(propertiesOf(schema), wrong)) return undefined
  return rekeyed(planted.content, path, (one) => (one === key ? `${MARK}${wrong}` : one))
}

const wrongOption: Planter = (planted, random) => {
  const optional = leaves(planted).filter(({ schema }) => Array.isArray(schema?.enum))
  if (!optional.length) return undefined
  const { path, schema } = random.pick(optional)
  const options = (schema!.enum as unknown[]).filter((option) => typeof option === 'string') as string[]
  const right = random.pick(options)
  const wrong = right.length > 3 ? misspelt(right, random) : `${right}q`
  if (options.includes(wrong)) return undefined
  const value = `${MARK}"${wrong}"`
  return withExpression(
    planted,
    path,
    random.pick([
      value,
      `$now() > "2026" ? ${value} : "${right}"`,
      `$now() > "2026" ? "${right}" : ${value}`,
      `(${value})`,
    ]),
    random,
  )
}

const tooLong: Planter = (planted, random) => {
  const limited = textLeaves(planted).filter(
    ({ schema }) => typeof schema?.maxLength === 'number' && schema.maxLength <= 300,
  )
  if (!limited.length) return undefined
  const { path, schema } = random.pick(limited)
  const most = schema!.maxLength as number
  const longer = fieldsOfType(
    planted,
    (field) => typeof field.maxLength === 'number' && field.maxLength > most && typesOf(field).includes('string'),
  )
  if (longer.length && random.chance(0.5)) return lengthened(planted, path, random.pick(longer).path, random)
  return withExpression(
    planted,
    path,
    surround(`${MARK}"${'long '.repeat(Math.ceil((most + 1) / 5))}"`, random),
    random,
  )
}

const lengthened = (planted: Planted, path: (string | number)[], field: string, random: Random) =>
  withExpression(
    planted,
    path,
    random.pick([`${MARK}${field}`, `${MARK}$trim(${field})`, `${MARK}$uppercase(${field})`]),
    random,
  )

const arrayOfOne: Planter = (planted, random) => {
  const lists = leaves(planted).filter(
    ({ schema, path }) => typesOf(schema).includes('array') && typeof path.at(-1) === 'string',
  )
  const walks = sourceFields(planted.systems.from, true).filter(
    ({ path, schema }) => path.includes('.') && !typesOf(schema).includes('array') && throughList(planted, path),
  )
  if (!lists.length || !walks.length) return undefined
  const { path } = random.pick(lists)
  const walk = random.pick(walks).path
  const [head, ...rest] = walk.split('.')
  return withExpression(
    planted,
    path,
    random.pick([
      `${MARK}${walk}`,
      `${MARK}${head}[$ != null].${rest.join('.')}`,
      `${MARK}$map(${head}, function($one) { $one.${rest.join('.')} })`,
      `${MARK}$filter(${walk}, function($one) { $one != "" })`,
      `${MARK}$distinct(${walk})`,
      `$now() > "2026" ? ${MARK}${walk} : []`,
    ]),
    random,
  )
}

const throughList = ({ systems }: Planted, path: string): boolean => {
  const [head] = path.split('.')
  return typesOf(propertiesOf(systems.from.readSchema)[head!]).includes('array')
}

const nullTrap: Planter = (planted, random) => {
  const nullable = fieldsOfType(planted, (schema) => isText(schema) && typesOf(schema).includes('null') && !schema.enum)
  const never = fieldsOfType(planted, (schema) => isText(schema) && neverNull(schema))
  const when = typeof planted.content.when === 'string' ? planted.content.when : ''
  const free = nullable.filter(({ path }) => !when.includes(path))
  const needed = leaves(planted).filter(
    ({ schema, parent, path }) =>
      schema && typesOf(schema).join() === 'string' && ((parent?.required ?? []) as unknown[]).includes(path.at(-1)),
  )
  const { path } = random.pick(textLeaves(planted))
  const ways: (() => Record<string, unknown>)[] = []
  if (free.length) {
    const field = random.pick(free).path
    ways.push(() =>
      withExpression(
        planted,
        path,
        surround(`$${random.pick(['uppercase', 'trim', 'length'])}(${MARK}${field})`, random),
        random,
      ),
    )
    ways.push(() => withExpression(planted, path, `"x " & ${MARK}${field}`, random))
    if (needed.length) ways.push(() => withExpression(planted, random.pick(needed).path, `${MARK}${field}`, random))
  }
  if (never.length)
    ways.push(() =>
      withExpression(
        planted,
        path,
        `${random.pick(never).path} ${random.pick(['=', '!='])} ${MARK}null ? "a" : "b"`,
        random,
      ),
    )
  return ways.length ? random.pick(ways)() : undefined
}

const precision: Planter = (planted, random) => {
  const { path } = random.pick(leaves(planted).filter(({ path: at }) => typeof at.at(-1) === 'string'))
  const decimals = fieldsOfType(planted, ({ pattern }) => typeof pattern === 'string' && pattern.includes('(\\.'))
  const large = fieldsOfType(planted, ({ format }) => format === 'int64')
  const ways = [
    () => withExpression(planted, path, `${MARK}${9007199254740993n + BigInt(2 * random.between(0, 999))}`, random),
    () => withExpression(planted, path, `$now() > "2026" ? ${MARK}0.12345678901234567891 : 1`, random),
    ...(large.length
      ? [
          () => withExpression(planted, path, surround(`${MARK}${random.pick(large).path} + 1`, random), random),
          () =>
            withExpression(planted, path, `$sum([1, 2]) > 2 ? $round(${MARK}${random.pick(large).path}) : 1`, random),
        ]
      : []),
    ...(decimals.length
      ? [
          () => withExpression(planted, path, `${MARK}$number(${random.pick(decimals).path}) * 100`, random),
          () =>
            withExpression(planted, path, surround(`${MARK}$number(${random.pick(decimals).path})`, random), random),
        ]
      : []),
  ]
  return random.pick(ways)()
}

const unreachable: Planter = (planted, random) => {
  const { path, source } = random.pick(leaves(planted))
  const options = fieldsOfType(planted, (schema) => Array.isArray(schema.enum))
  const numbers = fieldsOfType(planted, (schema) => typesOf(schema).join() === 'integer')
  const texts = fieldsOfType(planted, (schema) => isText(schema) && !schema.enum)
  const ways = [
    `${MARK}true ? ${source} : null`,
    `${MARK}"a" = "b" ? 1 : ${source}`,
    ...(options.length
      ? [
          `${random.pick(options).path} = ${MARK}"nonsense" ? 1 : ${source}`,
          `${random.pick(options).path} in [${MARK}"nonsense"] ? 1 : ${source}`,
        ]
      : []),
    ...(numbers.length ? [`${random.pick(numbers).path} = ${MARK}"5" ? 1 : ${source}`] : []),
    ...texts.slice(0, 1).map(() => {
      const name = random.pick(texts).path
      return `${name} = "p" ? 1 : ${name} = ${MARK}"p" ? 2 : ${source}`
    }),
  ]
  return withExpression(planted, path, random.pick(ways), random)
}

const unknownMatch: Planter = (planted, random) => {
  const target = planted.systems.to
  const top = at(planted.content, templatePath(planted)) as object
  const readByHub = planted.systems.syncs.some(({ from, joins }) =>
    [from, ...joins.map((join) => join.from)].some((one) => `${one.connection}:${one.stream}` === planted.content.to),
  )
  const { lookup, upsertBy = [] } = target.abilities as { lookup: string[]; upsertBy?: readonly string[] }
  const cannot =
    readByHub || lookup.length === 0
      ? []
      : Object.keys(top).filter((key) => !lookup.includes(key) && !upsertBy.includes(key))
  const unmapped = Object.keys(propertiesOf(target.writeSchema)).filter((name) => !Object.hasOwn(top, name))
  const field = random.pick([...cannot, ...unmapped.slice(0, 3), 'nowhere'])
  return {
    ...planted.content,
    match: random.chance(0.5)
      ? [`${MARK}${field}`]
      : [...((planted.content.match ?? []) as unknown[]), `${MARK}${field}`],
  }
}

const unfilledReference: Planter = (planted, random) => {
  const { path } = random.pick(leaves(planted))
  const { to, from } = planted.content as { to: string; from: string }
  const call = random.pick([
    `$ref("${to}", "nobody:things", $id)`,
    `$ref("${misspelt(to, random)}", "${from}", $id)`,
    `$ref("elsewhere:things", "nobody:things", $id)`,
  ])
  return withExpression(planted, path, surround(`${MARK}${call}`, random), random)
}

export const PLANTERS: Readonly<Record<string, Planter>> = {
  'misspelt source path': misspeltPath,
  'unknown function': unknownFunction,
  'unknown variable': unknownVariable,
  arity: wrongArity,
  type: wrongType,
  'missing required field': missingField,
  'unknown target field': unknownField,
  'wrong option': wrongOption,
  'too long': tooLong,
  'array of one': arrayOfOne,
  'null against missing': nullTrap,
  'number precision': precision,
  'unreachable branch': unreachable,
  'match key': unknownMatch,
  'unfilled reference': unfilledReference,
}
