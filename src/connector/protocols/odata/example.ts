/** A complete manifest; the protocol's test runs it against a service of its own. */
export const example = `
language: 1
name: order-desk
title: Order desk
protocol: odata
settings:
  url: { type: url, required: true }
  user: { required: true }
  password: { secret: true, required: true }
base_url: \${ settings.url }/odata
auth: { kind: basic, user: "\${ settings.user }", password: "\${ settings.password }" }
batch: { format: json, size: 50 }
streams:
  customers:
    title: Customers
    set: Customers
    keys: { CustomerID: string }
    version: { value: record.ModifiedAt }
    select: [Name, Email, ModifiedAt]
    page_size: 2
    changes: { kind: filter, field: ModifiedAt, type: datetimeoffset }
    lookup: { Email: { ignore_case: true } }
    write: [create, update, upsert, delete]
  lines:
    title: Order lines
    set: Lines
    keys: { OrderID: int64, Item: string }
    expand: Notes
    paging: keyset
    page_size: 2
    references: { customer: { to: Customers, navigation: Customer, keys: { CustomerID: string } } }
    write: [create, update, delete]
  changes:
    title: Customers, by delta link
    set: Customers
    keys: { CustomerID: string }
    changes: { kind: delta }
`
