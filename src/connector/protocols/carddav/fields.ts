/** What a manifest says about an address book. */
import { type CompiledPart, choice, flag, integer, list, template } from '../../language/index.ts'
import { authField } from '../../parts/auth.ts'
import { httpFields } from '../../parts/http-fields.ts'
import { requestFields } from '../../parts/request.ts'

export const connectorFields = { ...httpFields(), auth: authField(requestFields) }
export type CardDavConnector = CompiledPart<typeof connectorFields>

export const streamFields = {
  book: template({
    sense:
      'Name of the address book, or the last part of its address. Without it `base_url` where that is one, else the first book of the user.',
    names: ['settings'],
  }),
  sync: flag({
    sense:
      'The server knows sync-collection (RFC 6578). Without it every read is a full one, and deletions are found by it.',
    default: true,
  }),
  page_size: integer({ sense: 'Cards asked for in one call.', default: 100, minimum: 1, maximum: 1000 }),
  write: list(choice(['create', 'update', 'delete'], { sense: 'One operation.' }), {
    sense: 'What syncs may do; nothing when left out.',
  }),
}
export type CardDavStream = CompiledPart<typeof streamFields>
