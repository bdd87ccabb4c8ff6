/** Examples of the reference page; a test loads each, and runs the manifest against a server of another hand. */
export const session = `
auth:
  kind: session
  login: { operation: "crm:Login", content: { user: "\${ settings.user }", password: "\${ settings.password }" } }
  token: response.session
  headers: { X-Session: "\${ token }" }
`

export const read = `
read:
  operation: crm:FindContacts
  content: { changedSince: "\${ since }", first: "\${ page.offset }", most: "\${ page.size }" }
  records: response.contact
  paging: { kind: offset }
  incremental: { value: record.changed, format: iso_seconds }
`

export const fetch = `
fetch: { operation: "crm:GetContacts", content: { id: "\${ ids }" }, records: response.contact, batch: 100 }
`

export const write = `
write:
  create: { operation: "crm:AddContact", content: { contact: "\${ values }" }, id: response.id }
  update: { operation: "crm:ChangeContact", content: { id: "\${ id }", contact: "\${ values }" } }
`

export const manifest = `
language: 1
name: contact-bureau
title: Contact bureau
protocol: soap
settings:
  url: { type: url, required: true }
  user: { required: true }
  password: { secret: true, required: true }
base_url: \${ settings.url }/contacts
namespaces: { crm: "urn:example:crm" }
security: { user: "\${ settings.user }", password: "\${ settings.password }" }
lists: [contact]
errors:
  classes:
    - { when: fault.detail.reason = "NO_SUCH_CONTACT", is: missing }
streams:
  contacts:
    title: Contacts
    key: record.id
    version: { value: record.changed }
    schema:
      type: object
      properties:
        id: { type: string }
        name: { type: string }
        limit: { type: [number, "null"] }
        active: { type: boolean }
        phone: { type: array, items: { type: string } }
        changed: { type: string, format: date-time }
    write_schema:
      type: object
      properties:
        name: { type: string }
        limit: { type: [number, "null"] }
        active: { type: boolean }
        phone: { type: array, items: { type: string } }
    read:
      operation: crm:FindContacts
      action: urn:example:crm/FindContacts
      content: { changedSince: "\${ since }", first: "\${ page.offset }", most: "\${ page.size }" }
      records: response.contact
      page_size: 2
      paging: { kind: offset }
      incremental: { value: record.changed, format: iso_seconds }
    fetch: { operation: "crm:GetContacts", action: "urn:example:crm/GetContacts", content: { id: "\${ ids }" }, records: response.contact, batch: 100 }
    write:
      create: { operation: "crm:AddContact", action: "urn:example:crm/AddContact", content: { contact: "\${ values }" }, id: response.id }
      update: { operation: "crm:ChangeContact", action: "urn:example:crm/ChangeContact", content: { id: "\${ id }", contact: "\${ values }" } }
      delete: { operation: "crm:RemoveContact", action: "urn:example:crm/RemoveContact", content: { id: "\${ id }" } }
`
