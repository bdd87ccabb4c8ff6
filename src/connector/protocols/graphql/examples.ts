/** Examples of the reference page; a test loads each, and runs the manifest against a small server. */
export const session = `
auth:
  kind: session
  login:
    query: "mutation ($user: String!, $password: String!) { login(user: $user, password: $password) { token } }"
    variables: { user: "\${ settings.user }", password: "\${ settings.password }" }
  token: response.login.token
  headers: { Authorization: "Bearer \${ token }" }
`

export const read = `
read:
  query: |
    query ($first: Int!, $after: String, $since: DateTime) {
      contacts(first: $first, after: $after, updatedSince: $since) {
        nodes { id name updatedAt }
        pageInfo { hasNextPage endCursor }
      }
    }
  variables: { first: "\${ page.size }", after: "\${ cursor }", since: "\${ since }" }
  records: response.contacts.nodes
  paging: { kind: relay, connection: response.contacts }
  incremental: { value: record.updatedAt }
`

export const fetch = `
fetch:
  query: "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Contact { id name } } }"
  variables: { ids: "\${ [ids] }" }
  batch: 100
  records: response.nodes[id]
`

export const nested = `
nested:
  - at: lines.nodes
    next: "record.lines.pageInfo.hasNextPage ? record.lines.pageInfo.endCursor"
    query: |
      query ($id: ID!, $after: String) {
        order(id: $id) { lines(first: 100, after: $after) { nodes { sku } pageInfo { hasNextPage endCursor } } }
      }
    variables: { id: "\${ record.id }", after: "\${ cursor }" }
    records: response.order.lines.nodes
    more: "response.order.lines.pageInfo.hasNextPage ? response.order.lines.pageInfo.endCursor"
`

export const write = `
write:
  create:
    query: |
      mutation ($input: ContactInput!) {
        contactCreate(input: $input) { contact { id } userErrors { field message } }
      }
    variables: { input: "\${ values }" }
    id: response.contactCreate.contact.id
    batch:
      size: 25
      each: "contactCreate(input: $input) { contact { id } userErrors { field message } }"
      types: "$input: ContactInput!"
      item: { input: "\${ values }" }
      results: response
      correlate: { result: result.index, item: index }
      failed: $exists(result.errors) or $exists(result.data.userErrors[0])
      message: result.data.userErrors[0].message
      id: result.data.contact.id
`

export const manifest = `
language: 1
name: shop-office
title: Shop office
protocol: graphql
settings:
  url: { type: url, required: true }
  token: { secret: true, required: true }
base_url: \${ settings.url }/graphql
auth: { kind: bearer, token: "\${ settings.token }" }
limits:
  buckets:
    - name: points
      calls: 1000
      per: 20
      refill: steady
      cost: cost
      remaining: extensions.cost.available
      limit: extensions.cost.maximum
errors:
  failed: $exists(response.*.userErrors[0])
  message: "$exists(fault) ? fault.message : response.*.userErrors[0].message"
  wait_seconds: "fault.extensions.code = 'THROTTLED' ? 1"
  classes:
    - { when: "fault.extensions.code = 'THROTTLED'", is: throttled }
    - { when: "fault.extensions.code = 'UNAUTHENTICATED'", is: auth }
streams:
  contacts:
    title: Contacts
    key: record.id
    version: { value: record.updatedAt }
    read:
      query: |
        query ($first: Int!, $after: String, $since: DateTime) {
          contacts(first: $first, after: $after, updatedSince: $since) {
            nodes { id name updatedAt tags { nodes pageInfo { hasNextPage endCursor } } }
            pageInfo { hasNextPage endCursor }
          }
        }
      variables: { first: "\${ page.size }", after: "\${ cursor }", since: "\${ since }" }
      cost: 12
      page_size: 2
      records: response.contacts.nodes
      paging: { kind: relay, connection: response.contacts }
      incremental: { value: record.updatedAt }
    nested:
      - at: tags.nodes
        next: "record.tags.pageInfo.hasNextPage ? record.tags.pageInfo.endCursor"
        query: "query ($id: ID!, $after: String) { contact(id: $id) { tags(after: $after) { nodes pageInfo { hasNextPage endCursor } } } }"
        variables: { id: "\${ record.id }", after: "\${ cursor }" }
        records: response.contact.tags.nodes
        more: "response.contact.tags.pageInfo.hasNextPage ? response.contact.tags.pageInfo.endCursor"
    fetch:
      query: "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Contact { id name updatedAt } } }"
      variables: { ids: "\${ [ids] }" }
      batch: 100
      records: response.nodes[id]
    write:
      create:
        query: "mutation ($input: ContactInput!) { contactCreate(input: $input) { contact { id } userErrors { message } } }"
        variables: { input: "\${ values }" }
        id: response.contactCreate.contact.id
        batch:
          size: 10
          each: "contactCreate(input: $input) { contact { id } userErrors { message } }"
          types: "$input: ContactInput!"
          item: { input: "\${ values }" }
          results: response
          correlate: { result: result.index, item: index }
          failed: $exists(result.errors) or $exists(result.data.userErrors[0])
          message: "result.errors ? result.errors[0].message : result.data.userErrors[0].message"
          id: result.data.contact.id
`
