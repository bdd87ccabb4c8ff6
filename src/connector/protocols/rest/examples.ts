/** Examples of the reference page; a test loads each, and runs the manifest against a small server. */
export const session = `
auth:
  kind: session
  login: { method: POST, path: /login, body: { user: "\${ settings.user }", password: "\${ settings.password }" } }
  token: response.token
  headers: { Authorization: "Session \${ token }" }
`

export const read = `
read:
  method: POST
  path: /contacts/search
  body:
    filter: { updated: { gte: "\${ since }" } }
    page: { size: "\${ page.size }", after: "\${ cursor }" }
  records: response.items
  page_size: 200
  paging: { kind: cursor, next: response.next }
  incremental: { value: record.updated_at, format: iso_seconds }
`

export const job = `
read:
  job:
    start: { method: POST, path: /exports, body: { changed_since: "\${ since }" } }
    id: response.id
    status: { path: "/exports/\${ job.id }" }
    done: response.state = "done"
    failed: response.state = "failed"
    message: response.reason
  path: /exports/\${ job.id }/results
  query: { locator: "\${ cursor }", limit: "\${ page.size }" }
  as: csv
  page_size: 1000
  paging: { kind: cursor, next: "headers.\`x-locator\` != 'null' ? headers.\`x-locator\`" }
  incremental: { value: record.updated_at }
`

export const fetch = `
fetch:
  path: /contacts
  query: { ids: "\${ $join(ids, ',') }" }
  batch: 50
  records: response.data
`

export const nested = `
nested:
  - at: lines
    next: record.more_lines
    path: /orders/\${ record.id }/lines
    query: { after: "\${ cursor }" }
    records: response.lines
    more: response.next
`

export const write = `
write:
  create:
    path: /contacts
    headers: { Idempotency-Key: "\${ idempotency_key }" }
    body: { contact: "\${ values }" }
    id: response.contact.id
    batch:
      size: 100
      path: /contacts/batch
      item: { trace: "\${ ref }", properties: "\${ values }" }
      body: { inputs: "\${ items }" }
      results: response.results
      correlate: { result: result.trace, item: ref }
      failed: result.status = "error"
      id: result.id
      message: result.message
  update:
    path: /contacts/\${ id }
    headers: { If-Match: "\${ version }" }
    body: \${ values }
  delete: { path: "/contacts/\${ id }" }
`

export const manifest = `
language: 1
name: address-book
title: Address book
protocol: rest
settings:
  url: { type: url, required: true }
  token: { secret: true, required: true }
base_url: \${ settings.url }/api
auth: { kind: bearer, token: "\${ settings.token }" }
streams:
  people:
    title: People
    key: record.id
    version: { value: record.updated_at }
    read:
      path: /people
      query: { limit: "\${ page.size }", offset: "\${ page.offset }", updated_since: "\${ since }" }
      records: response.people
      page_size: 2
      paging: { kind: offset, total: response.total }
      incremental: { value: record.updated_at }
    fetch: { path: "/people/\${ id }" }
    lookup:
      email: { path: /people, query: { email: "\${ $join(values, ',') }" }, records: response.people, batch: 20 }
    write:
      create: { path: /people, body: "\${ values }", id: response.id }
      update: { path: "/people/\${ id }", body: "\${ values }" }
      delete: { path: "/people/\${ id }" }
`
