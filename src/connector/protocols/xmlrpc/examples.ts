/** Examples of the reference page; a test loads each, and runs the manifest against a small server. */
export const session = `
auth:
  kind: session
  login: { call: session.open, params: ["\${ settings.user }", "\${ settings.password }"] }
  token: response.key
  headers: { X-Session: "\${ token }" }
`

export const read = `
read:
  call: contact.search
  params:
    - { changed_since: { $type: dateTime.iso8601, $value: "\${ since }" } }
    - \${ page.offset }
    - \${ page.size }
  paging: { kind: offset }
  incremental: { value: record.changed, format: iso_seconds }
`

export const fetch = `
fetch: { call: contact.read, params: ["\${ [ids.$number()] }"], batch: 100 }
`

export const write = `
write:
  create: { call: contact.create, params: ["\${ values }"], id: response }
  update: { call: contact.write, params: ["\${ $number(id) }", "\${ values }"] }
`

export const manifest = `
language: 1
name: contact-office
title: Contact office
protocol: xmlrpc
settings:
  url: { type: url, required: true }
  user: { required: true }
  password: { secret: true, required: true }
base_url: \${ settings.url }/RPC2
auth:
  kind: session
  login: { call: session.open, params: ["\${ settings.user }", "\${ settings.password }"] }
  token: response.key
  headers: { X-Session: "\${ token }" }
errors:
  classes:
    - { when: fault.faultCode = 404, is: missing }
    - { when: fault.faultCode = 403, is: auth }
streams:
  contacts:
    title: Contacts
    key: record.id
    version: { value: record.changed }
    write_schema:
      type: object
      properties:
        name: { type: string }
        born: { type: string, format: date }
        photo: { type: string, contentEncoding: base64 }
        limit: { type: number }
    read:
      call: contact.search
      params:
        - "\${ $exists(since) ? {'changed': {'$type': 'dateTime.iso8601', '$value': since}} : {} }"
        - \${ page.offset }
        - \${ page.size }
      page_size: 2
      paging: { kind: offset }
      incremental: { value: record.changed, format: iso_seconds }
    fetch: { call: contact.read, params: ["\${ [ids.$number()] }"], batch: 100 }
    lookup:
      name: { call: contact.find, params: ["\${ values }"], batch: 50 }
    write:
      create: { call: contact.create, params: ["\${ values }"], id: response }
      update: { call: contact.write, params: ["\${ $number(id) }", "\${ values }"] }
      delete: { batch: { size: 10, call: contact.delete, params: ["\${ [ids.$number()] }"], results: response, failed: result = false } }
`
