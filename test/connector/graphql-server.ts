/** A GraphQL server for tests: the reference implementation behind a socket, over data in memory. */
import { buildSchema, GraphQLError, graphql } from 'graphql'
import { type Reply, serve } from './server.ts'

const schema = buildSchema(`
  scalar DateTime
  type PageInfo { hasNextPage: Boolean! endCursor: String }
  type Tags { nodes: [String!]! pageInfo: PageInfo! }
  interface Node { id: ID! }
  type Contact implements Node { id: ID! name: String updatedAt: DateTime tags(first: Int, after: String): Tags! }
  type Contacts { nodes: [Contact!]! pageInfo: PageInfo! }
  type UserError { field: String message: String! }
  type ContactPayload { contact: Contact userErrors: [UserError!]! }
  input ContactInput { name: String! }
  type Query {
    contacts(first: Int!, after: String, updatedSince: DateTime): Contacts!
    contact(id: ID!): Contact
    nodes(ids: [ID!]!): [Node]!
  }
  type Login { token: String! }
  type Mutation {
    contactCreate(input: ContactInput!): ContactPayload!
    login(user: String!, password: String!): Login
  }
`)

export type Contact = { id: string; name: string; updatedAt: string; tags?: string[] }

const cut = <T>(all: T[], first: number, after: string | undefined) => {
  const from = after === undefined ? 0 : Number(after)
  const end = Math.min(from + first, all.length)
  return { nodes: all.slice(from, end), pageInfo: { hasNextPage: end < all.length, endCursor: String(end) } }
}

export async function shop(contacts: Contact[]) {
  const state = {
    points: 1000,
    throttled: 0,
    broken: false,
    documents: [] as string[],
    credentials: [] as string[],
    names: [] as string[],
  }
  const nodeOf = (contact: Contact) => ({
    ...contact,
    __typename: 'Contact',
    tags: ({ first = 2, after }: { first?: number; after?: string }) => cut(contact.tags ?? [], first, after),
  })
  const root = {
    contacts: ({ first, after, updatedSince = '' }: { first: number; after?: string; updatedSince?: string }) => {
      const found = cut(
        contacts.filter(({ updatedAt }) => updatedAt >= updatedSince),
        first,
        after,
      )
      return { ...found, nodes: found.nodes.map(nodeOf) }
    },
    contact: ({ id }: { id: string }) => {
      const found = contacts.find((contact) => contact.id === id)
      return found ? nodeOf(found) : null
    },
    nodes: ({ ids }: { ids: string[] }) =>
      ids.map((id) => {
        const found = contacts.find((contact) => contact.id === id)
        return found ? nodeOf(found) : null
      }),
    login: ({ password }: { password: string }) => (password === 'right' ? { token: 'session-token' } : null),
    contactCreate: ({ input: { name } }: { input: { name: string } }) => {
      state.names.push(name)
      if (name === 'refused') return { contact: null, userErrors: [{ field: 'name', message: 'is not wanted' }] }
      if (name === 'broken') throw new GraphQLError('the storage failed')
      return { contact: { id: `new-${name}`, name }, userErrors: [] }
    },
  }
  const server = await serve(async ({ json, headers }): Promise<Reply> => {
    state.credentials.push(headers.authorization ?? '')
    state.documents.push(json.query)
    const extensions = { cost: { available: state.points, maximum: 1000 } }
    if (state.throttled > 0) {
      state.throttled--
      const errors = [{ message: 'Throttled', extensions: { code: 'THROTTLED' } }]
      return { json: { errors, extensions } }
    }
    const result = await graphql({ schema, source: json.query, rootValue: root, variableValues: json.variables })
    if (state.broken && result.data) {
      const errors = [{ message: 'one field could not be loaded', path: ['contacts', 'nodes', 0, 'name'] }]
      return { json: { ...result, errors, extensions } }
    }
    return { json: { ...result, extensions } }
  })
  return { server, state }
}
