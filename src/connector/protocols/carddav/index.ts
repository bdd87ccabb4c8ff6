/** Protocol `carddav`: the cards of an address book. */

import { type AnyAuth, authoriserFor } from '../../parts/authoriser.ts'
import { HttpConnection } from '../../parts/http.ts'
import type { RequestSpec } from '../../parts/request.ts'
import { defineProtocol, type ProtocolContext } from '../contract.ts'
import { RestCaller } from '../rest/caller.ts'
import { type CardDavConnector, type CardDavStream, connectorFields, streamFields } from './fields.ts'
import { CardDavSession } from './session.ts'

export const carddav = defineProtocol({
  name: 'carddav',
  title: 'CardDAV',
  sense:
    'Cards of an address book (vCard 3 or 4). The id of a record is the name of its resource. Its body: `uid`, `fn`, `name` {family, given, additional, prefix, suffix}, `emails`, `phones` and `urls` [{value, types}], `addresses` [{po_box, extended, street, city, region, code, country, types}], `org`, `categories` and `nicknames` [text], `title`, `role`, `note`, `birthday`, `kind`, `revised`, `etag`. A write replaces the properties of the fields it gives and leaves everything else in the card as it stands.',
  connector: connectorFields,
  stream: streamFields,
  defaults: { key: null },
  example: `
language: 1
name: address-books
title: Address books
protocol: carddav
settings:
  url: { type: url, required: true }
  user: { required: true }
  password: { secret: true, required: true }
base_url: \${ settings.url }/
auth: { kind: basic, user: "\${ settings.user }", password: "\${ settings.password }" }
streams:
  contacts:
    title: Contacts
    page_size: 2
    write: [create, update, delete]
`,
  abilities: ({ write = [], sync }) => ({
    read: true,
    incremental: sync,
    deletions: sync ? 'tombstones' : 'scan',
    create: write.includes('create'),
    update: write.includes('update'),
    upsert: false,
    upsertBy: [],
    delete: write.includes('delete'),
    lookup: ['uid', 'email', 'fn'],
    partialUpdate: true,
    content: false,
  }),
  open: async (context) => openCardDav(context),
})

function openCardDav(context: ProtocolContext<CardDavConnector, CardDavStream>): CardDavSession {
  const http = new HttpConnection(context)
  const login = new RestCaller(http)
  const auth = context.spec.auth as AnyAuth<RequestSpec> | undefined
  const whole = context as ProtocolContext<unknown, unknown>
  const { settings } = context
  http.authorise(
    authoriserFor(auth, http, whole, (request, signal, scope) => login.login(request, scope ?? { settings }, signal)),
  )
  return new CardDavSession(context, http)
}
