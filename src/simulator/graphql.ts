/** GraphQL: the vendor's schema, asked by the reference executor; fields of Query and Mutation do what the description says. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildSchema, execute, GraphQLError, type GraphQLSchema, parse, validate } from 'graphql'
import type { GraphQL, Resolver } from './description.ts'
import type { Names } from './expressions.ts'
import { isItem } from './paths.ts'
import { Refusal } from './problem.ts'

/** Does what a field says; names: `args`. Gives what the field answers. */
export type Resolve = (resolver: Resolver, names: Names) => Promise<unknown>

const schemas = new Map<string, GraphQLSchema>()

function schemaOf(file: string): GraphQLSchema {
  const known = schemas.get(file)
  if (known) return known
  const schema = buildSchema(readFileSync(file, 'utf8'))
  schemas.set(file, schema)
  return schema
}

/** The answer to a request, as `data` and `errors`. A query that the schema does not know is a refusal of a request the vendor does not know. */
export async function answerGraphql(spec: GraphQL, folder: string, names: Names, resolve: Resolve): Promise<unknown> {
  const { body } = names
  if (!isItem(body) || typeof body.query !== 'string')
    throw new Refusal('invalid', { reason: 'body', message: 'The body has no query' }, true)
  const schema = schemaOf(join(folder, spec.schema))
  let document: ReturnType<typeof parse>
  try {
    document = parse(body.query)
  } catch (cause) {
    throw new Refusal('invalid', { reason: 'query', message: (cause as Error).message }, true)
  }
  const [fault] = validate(schema, document)
  if (fault) throw new Refusal('invalid', { reason: 'query', message: fault.message }, true)
  const result = await execute({
    schema,
    document,
    rootValue: rootOf(spec, names, resolve),
    variableValues: isItem(body.variables) ? body.variables : {},
    ...(typeof body.operationName === 'string' ? { operationName: body.operationName } : {}),
  })
  const wrong = result.errors?.find((error) => !(error.originalError instanceof Refusal) && !error.path)
  if (wrong) throw new Refusal('invalid', { reason: 'variables', message: wrong.message }, true)
  // Objects of the executor have no prototype, which JSONata takes amiss.
  return JSON.parse(JSON.stringify(result)) as unknown
}

/** One function per field that is described; the executor picks what the query asks for out of what it gives. */
function rootOf(spec: GraphQL, names: Names, resolve: Resolve): Record<string, (args: Names) => Promise<unknown>> {
  return Object.fromEntries(
    Object.entries(spec.resolve).map(([field, resolver]) => [
      field,
      async (args: Names) => {
        const scope = { ...names, args: JSON.parse(JSON.stringify(args)) as Names }
        try {
          return await resolve(resolver, scope)
        } catch (refusal) {
          if (!(refusal instanceof Refusal)) throw refusal
          if (refusal.alien) throw refusal
          throw new GraphQLError(refusal.message, {
            extensions: { code: refusal.kind.toUpperCase() },
            originalError: refusal,
          })
        }
      },
    ]),
  )
}
