/** Protocol `webdav`: documents on a WebDAV server (RFC 4918). */
import { defineProtocol } from '../contract.ts'
import { connectorFields, streamFields } from './fields.ts'
import { WebDavSession } from './session.ts'

export const webdav = defineProtocol({
  name: 'webdav',
  title: 'WebDAV',
  sense: 'Documents in a tree of folders: listed, downloaded, uploaded, renamed and deleted.',
  connector: connectorFields,
  stream: streamFields,
  defaults: { key: 'record.id' },
  example: `
language: 1
name: papers
title: Papers
protocol: webdav
settings:
  url: { type: url, required: true, title: Address }
  user: { required: true, title: User }
  password: { secret: true, required: true, title: Password }
base_url: \${ settings.url }
auth: { kind: basic, user: "\${ settings.user }", password: "\${ settings.password }" }
streams:
  documents:
    title: Documents
    write: true
`,
  abilities: ({ write, items }) => ({
    read: true,
    // No change feed: every read is a walk, and what did not change is found unchanged by its hash.
    incremental: false,
    deletions: 'scan',
    create: write && items === 'files',
    update: write && items === 'files',
    upsert: write && items === 'files',
    upsertBy: write && items === 'files' ? ['path'] : [],
    delete: write,
    lookup: ['path', 'id'],
    partialUpdate: true,
    content: items === 'files',
  }),
  open: async (context) => new WebDavSession(context),
})
