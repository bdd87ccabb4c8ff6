/** A GraphQL schema as a description: each document is held against it, and is then a call with variables and an answer. */
import {
  buildClientSchema,
  buildSchema,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLInputType,
  type GraphQLOutputType,
  type GraphQLSchema,
  type GraphQLType,
  getNamedType,
  getVariableValues,
  type IntrospectionQuery,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isScalarType,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
  typeFromAST,
  validate,
} from 'graphql'
import { isObject, type JsonObject } from '../core/index.ts'
import type { ApiDocument, GraphQLCall } from './contract.ts'
import type { Lookup, RawSchema } from './schema.ts'

/** Types that a GraphQL document declares, at the beginning of a line. */
export const isSdl = (text: string): boolean =>
  /^(schema|scalar|directive|extend\s+type|(type|interface|input|enum|union)\s+\w+)\b.*[{=@]|^scalar\s+\w+/m.test(
    text,
  ) && !/^\s*["']?(openapi|swagger)["']?\s*:/m.test(text)

/** What introspection answers, with the envelope of an answer or without. */
export function introspectionIn(raw: unknown): IntrospectionQuery | undefined {
  const whole = isObject(raw as never) ? (raw as Record<string, unknown>) : {}
  const inner = isObject(whole.data as never) ? (whole.data as Record<string, unknown>) : whole
  return isObject(inner.__schema as never) ? (inner as unknown as IntrospectionQuery) : undefined
}

/** A schema in its own language, or as introspection answers it. */
export function readGraphQL(given: string | IntrospectionQuery, file: string): ApiDocument {
  // Published schemas break rules among their types that say nothing of a request (a deprecated field of an interface).
  const schema =
    typeof given === 'string'
      ? buildSchema(given, { assumeValid: true })
      : buildClientSchema(given, { assumeValid: true })
  const lookup: Lookup = (reference) => inputObject(schema, reference)
  return {
    file,
    title: 'GraphQL',
    editions: [{ title: 'GraphQL', version: '' }],
    prefixes: [''],
    operations: [],
    security: [],
    tokenPaths: [],
    lookup,
    marksReadOnly: false,
    ofSets: false,
    graphql: (query) => callOf(schema, query, lookup),
  }
}

function callOf(schema: GraphQLSchema, query: string, lookup: Lookup): GraphQLCall {
  let document: ReturnType<typeof parse>
  try {
    document = parse(query)
  } catch (cause) {
    return { faults: [(cause as Error).message] }
  }
  const faults = validate(schema, document).map(({ message }) => message)
  const definition = document.definitions.find((one) => one.kind === Kind.OPERATION_DEFINITION)
  if (!definition) return { faults: [...faults, 'it holds no query'] }
  const fragments = new Map(
    document.definitions.flatMap((one) => (one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one]] : [])),
  )
  const root = schema.getRootType(definition.operation)
  return {
    faults,
    refusals: (variables) => refusalsOf(schema, definition, variables),
    operation: {
      method: 'POST',
      path: `${definition.operation} ${rootFields(definition).join(', ')}`,
      parameters: [],
      body: { schema: variablesOf(schema, definition), form: false },
      ...(root ? { answer: selected(definition.selectionSet, root, schema, fragments) } : {}),
      lookup,
    },
  }
}

const rootFields = ({ selectionSet }: OperationDefinitionNode): string[] => [
  ...new Set(selectionSet.selections.flatMap((one) => (one.kind === Kind.FIELD ? [one.name.value] : []))),
]

/** Why values are refused: a required one that is missing, an option that does not exist, a member of no input. */
function refusalsOf(schema: GraphQLSchema, definition: OperationDefinitionNode, given: JsonObject): string[] {
  const { errors = [] } = getVariableValues(schema, definition.variableDefinitions ?? [], given)
  return errors.map(({ message }) => message)
}

function variablesOf(schema: GraphQLSchema, { variableDefinitions = [] }: OperationDefinitionNode): RawSchema {
  const properties = Object.fromEntries(
    variableDefinitions.map(({ variable, type }) => {
      const found = typeFromAST(schema, type as never) as GraphQLInputType | undefined
      return [variable.name.value, found ? inputOf(found) : {}]
    }),
  )
  const required = variableDefinitions.flatMap(({ variable, type, defaultValue }) =>
    type.kind === Kind.NON_NULL_TYPE && !defaultValue ? [variable.name.value] : [],
  )
  return { type: 'object', properties, required, additionalProperties: false }
}

/** What is taken; objects are referred to, since they may hold themselves. */
function inputOf(type: GraphQLInputType): RawSchema {
  if (isNonNullType(type)) return inputOf(type.ofType as GraphQLInputType)
  if (isListType(type)) return { type: 'array', items: inputOf(type.ofType as GraphQLInputType) }
  if (isEnumType(type)) return { type: 'string', enum: type.getValues().map(({ name }) => name) }
  return isInputObjectType(type) ? { $ref: type.name } : scalarOf(type)
}

function inputObject(schema: GraphQLSchema, name: string): RawSchema | undefined {
  const type = schema.getType(name)
  if (!isInputObjectType(type)) return undefined
  const fields = Object.values(type.getFields())
  return {
    type: 'object',
    properties: Object.fromEntries(fields.map((field) => [field.name, inputOf(field.type)])),
    required: fields
      .filter((field) => isNonNullType(field.type) && field.default === undefined && field.defaultValue === undefined)
      .map((field) => field.name),
    additionalProperties: false,
  }
}

const SCALARS: Record<string, string[]> = {
  Int: ['integer'],
  Float: ['number', 'integer'],
  String: ['string'],
  Boolean: ['boolean'],
  ID: ['string', 'integer'],
}

/** A schema does not tell how its own scalars are written; one called after JSON may hold anything. */
const scalarOf = (type: GraphQLType): RawSchema => {
  const { name } = getNamedType(type)
  return name.startsWith('JSON') ? {} : { type: SCALARS[name] ?? ['string', 'number', 'integer', 'boolean'] }
}

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>

/** What an answer holds: only what was asked for, under its alias, and of the fragments all. */
function selected(set: SelectionSetNode, type: GraphQLType, schema: GraphQLSchema, fragments: Fragments): RawSchema {
  const properties: Record<string, RawSchema> = {}
  const add = (name: string, found: RawSchema) => {
    properties[name] = properties[name] ? merged(properties[name], found) : found
  }
  for (const one of set.selections) {
    if (one.kind === Kind.FIELD) {
      const found = outputOf(one, type, schema, fragments)
      if (found) add((one.alias ?? one.name).value, found)
      continue
    }
    const fragment = one.kind === Kind.FRAGMENT_SPREAD ? fragments.get(one.name.value) : one
    const of = fragment?.typeCondition ? schema.getType(fragment.typeCondition.name.value) : type
    if (!fragment || !of) continue
    const inner = selected(fragment.selectionSet, of, schema, fragments)
    for (const [name, found] of Object.entries(inner.properties ?? {})) add(name, found)
  }
  return { type: 'object', properties, additionalProperties: false }
}

/** The same name in two fragments: what either of them has. */
function merged(left: RawSchema, right: RawSchema): RawSchema {
  if (left.items && right.items) return { type: 'array', items: merged(left.items, right.items) }
  if (!left.properties || !right.properties) return left
  const properties = { ...left.properties }
  for (const [name, one] of Object.entries(right.properties))
    properties[name] = properties[name] ? merged(properties[name], one) : one
  return { ...left, properties }
}

function outputOf(
  field: FieldNode,
  parent: GraphQLType,
  schema: GraphQLSchema,
  fragments: Fragments,
): RawSchema | undefined {
  const { name } = field
  if (name.value === '__typename') return { type: 'string' }
  const type = isCompositeType(parent) ? schema.getField(parent, name.value)?.type : undefined
  return type && shaped(type, field, schema, fragments)
}

function shaped(type: GraphQLOutputType, field: FieldNode, schema: GraphQLSchema, fragments: Fragments): RawSchema {
  if (isNonNullType(type)) return shaped(type.ofType as GraphQLOutputType, field, schema, fragments)
  if (isListType(type))
    return { type: 'array', items: shaped(type.ofType as GraphQLOutputType, field, schema, fragments) }
  if (isScalarType(type)) return scalarOf(type)
  return field.selectionSet ? selected(field.selectionSet, type, schema, fragments) : { type: 'string' }
}
