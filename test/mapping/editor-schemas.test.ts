/** What editors are given: a schema for every kind of file, which is the one the loader checks with, and which explains itself. */
import { expect, test } from 'vitest'
import { connectorSchema, SCHEMAS } from '../../src/assemble/index.ts'
import { compileSchema } from '../../src/core/index.ts'

type Node = {
  description?: string
  default?: unknown
  examples?: unknown[]
  properties?: Record<string, Node>
  items?: Node
  additionalProperties?: Node | boolean
}

/** Every property with its path, however deep. */
function* propertiesOf(schema: Node, path = ''): Generator<[string, Node]> {
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    yield [`${path}${name}`, property]
    yield* propertiesOf(property, `${path}${name}.`)
  }
  if (typeof schema.items === 'object') yield* propertiesOf(schema.items, `${path}[].`)
  if (typeof schema.additionalProperties === 'object') yield* propertiesOf(schema.additionalProperties, `${path}*.`)
}

test.each(Object.entries(SCHEMAS))(
  'every key of a file of kind %s is described, with examples and defaults that hold',
  (_, schema) => {
    const all = [...propertiesOf(schema as Node)]
    expect(all.length).toBeGreaterThan(0)
    expect(all.filter(([, { description }]) => !description).map(([path]) => path)).toEqual([])
    for (const [path, property] of all)
      for (const value of [...(property.examples ?? []), ...('default' in property ? [property.default] : [])])
        expect([path, compileSchema(property)(value)]).toEqual([path, []])
  },
)

test('there is a schema for every kind of file, in the form that editors read', () => {
  expect(Object.keys(SCHEMAS).sort()).toEqual(['entity', 'hub', 'mapping', 'test'])
  for (const schema of [...Object.values(SCHEMAS), connectorSchema()])
    expect(schema).toMatchObject({ $schema: 'http://json-schema.org/draft-07/schema#' })
  const examples = [...propertiesOf(SCHEMAS.mapping as Node)].filter(([, { examples }]) => examples)
  const defaults = [...propertiesOf(SCHEMAS.mapping as Node)].filter(([, property]) => 'default' in property)
  expect([examples.length > 10, defaults.length > 10]).toEqual([true, true])
})
