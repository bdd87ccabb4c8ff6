/** What a manifest says about a WebDAV server. */

import {
  type CompiledPart,
  choice,
  data,
  type Field,
  flag,
  integer,
  part,
  section,
  template,
  type ValueOf,
} from '../../language/index.ts'
import { authField, type StaticAuth } from '../../parts/auth.ts'
import { DEFAULT_LIMITS, limitsPart } from '../../parts/limits.ts'

const SETTINGS = ['settings'] as const

/** WebDAV servers take credentials with each request; there is no login to make a session of. */
const anyAuth = authField(() => ({}))
const {
  session: _login,
  oauth1: _signed,
  oauth2: _tokens,
  sigv4: _aws,
  body: _body,
  ...staticVariants
} = anyAuth.variants ?? {}

const chunksPart = part({
  title: 'Chunks',
  sense: 'Uploads of large files in chunks, by the recipe of Nextcloud: a collection for the chunks, then a MOVE.',
  fields: {
    folder: template({
      sense:
        'The collection in which uploads make collections for their chunks, on the origin of `base_url`. Without value files go up in one piece.',
      names: SETTINGS,
      required: true,
      example: 'https://cloud.example.com/remote.php/dav/uploads/hub',
    }),
    part_size: integer({
      sense: 'Bytes of a chunk; it is held in memory. Smaller files go up in one piece.',
      default: 10_485_760,
      minimum: 1,
      maximum: 67_108_864,
    }),
  },
  example: "chunks: { folder: 'https://cloud.example.com/remote.php/dav/uploads/hub' }",
})

export const connectorFields = {
  base_url: template({
    sense: 'The collection under which everything lies. Paths of records are relative to it and `folder`.',
    names: SETTINGS,
    required: true,
    example: 'https://dav.example.com/remote.php/dav/files/hub',
  }),
  auth: { ...anyAuth, variants: staticVariants } as Field<StaticAuth | undefined>,
  headers: data({ sense: 'Headers of every request.', names: SETTINGS }),
  chunks: section(chunksPart, {
    sense: 'For servers that take large files in chunks (Nextcloud, ownCloud): an upload that was cut then goes on.',
  }) as Field<ValueOf<typeof chunksPart> | undefined>,
  limits: section(limitsPart, { sense: 'How hard a connection may press.', default: {} }),
}
export type WebDavConnector = CompiledPart<typeof connectorFields>

export const streamFields = {
  folder: template({
    sense: 'The collection of this stream, relative to `base_url`; all of it when left out.',
    names: SETTINGS,
  }),
  items: choice(['files', 'folders'], { sense: 'What a record is.', default: 'files' }),
  identity: choice(['path', 'fileid'], {
    sense:
      'What identifies a resource. `fileid`: the number that Nextcloud and ownCloud keep over renames. `path`: everywhere else; a renamed resource then is a new record and the old one is gone.',
    default: 'path',
  }),
  write: flag({ sense: 'Lets syncs upload, rename and delete.', default: false }),
}
export type WebDavStream = CompiledPart<typeof streamFields>

export const limitsOf = (connector: WebDavConnector) => connector.limits ?? DEFAULT_LIMITS
