/** Examples of the reference page; a test loads each, and runs the manifest against a small server. */
export const session = `
auth:
  kind: session
  login: { call: common.login, params: ["\${ settings.user }", { password: "\${ settings.password }" }] }
  token: response
  headers: { Authorization: "Session \${ $base64encode(settings.user & ':' & token[1]) }" }
`

export const read = `
read:
  call: model.party.search_read
  params:
    - "\${ $exists(since) ? [['write_date', '>=', {'__class__': 'datetime', 'iso': since}]] : [] }"
    - \${ page.offset }
    - \${ page.size }
    - [[write_date, ASC], [id, ASC]]
    - [name, write_date]
  paging: { kind: offset }
  incremental: { value: record.write_date, format: iso_micro }
`

export const fetch = `
fetch:
  call: model.party.search_read
  params: [[[id, in, "\${ [ids.$number()] }"]], 0, null, [], [name, write_date]]
  batch: 500
`

export const write = `
write:
  create:
    batch:
      size: 200
      call: model.party.create
      params: ["\${ items }"]
      results: response
      id: result
      all_or_nothing: true
  update:
    call: model.party.write
    params: [["\${ $number(id) }"], "\${ values }"]
  delete:
    batch: { size: 200, call: model.party.delete, params: ["\${ [ids.$number()] }"], all_or_nothing: true }
`

export const manifest = `
language: 1
name: party-office
title: Party office
protocol: jsonrpc
settings:
  url: { type: url, required: true }
  user: { required: true }
  password: { secret: true, required: true }
base_url: \${ settings.url }/rpc
auth:
  kind: session
  login: { call: common.login, params: ["\${ settings.user }", { password: "\${ settings.password }" }] }
  token: response
  headers: { Authorization: "Session \${ $base64encode(settings.user & ':' & token[1]) }" }
typed_values: {}
errors:
  message: fault[1][0]
  classes:
    - { when: "fault[0] = 'ConcurrencyException'", is: conflict }
streams:
  parties:
    title: Parties
    key: record.id
    version: { value: record.write_date }
    write_schema:
      type: object
      properties:
        name: { type: string }
        limit: { type: number, format: decimal }
        since: { type: string, format: date }
    read:
      call: model.party.search_read
      params:
        - "\${ $exists(since) ? [['write_date', '>=', {'__class__': 'datetime', 'iso': since}]] : [] }"
        - \${ page.offset }
        - \${ page.size }
      page_size: 2
      paging: { kind: offset }
      incremental: { value: record.write_date, format: iso_micro }
    fetch: { call: model.party.read, params: ["\${ [ids.$number()] }"], batch: 100 }
    lookup:
      name: { call: model.party.search_read, params: [[[name, in, "\${ values }"]], 0, 100], batch: 50 }
    write:
      create:
        batch: { size: 10, call: model.party.create, params: ["\${ items }"], results: response, id: result, all_or_nothing: true }
      update: { call: model.party.write, params: [["\${ $number(id) }"], "\${ values }"] }
      delete: { batch: { size: 10, call: model.party.delete, params: ["\${ [ids.$number()] }"] } }
`
