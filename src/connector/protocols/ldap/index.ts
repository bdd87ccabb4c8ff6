/** Protocol `ldap`: people, groups and other entries of a directory (RFC 4511), read only. */
import { defineProtocol } from '../contract.ts'
import { connectorFields, streamFields } from './fields.ts'
import { LdapSession } from './session.ts'

export const ldap = defineProtocol({
  name: 'ldap',
  title: 'LDAP',
  sense: 'Entries of a directory (OpenLDAP, Active Directory and others): read in full or since the last change.',
  connector: connectorFields,
  stream: streamFields,
  defaults: { key: 'record.id', version: { value: 'record.changed_at', type: 'timestamp' } },
  example: `
language: 1
name: directory
title: Directory
protocol: ldap
settings:
  url: { required: true, title: Address, example: ldaps://directory.example.com }
  user: { required: true, title: Bind DN }
  password: { secret: true, required: true, title: Password }
  base: { required: true, title: Base DN }
url: \${ settings.url }
bind: { dn: "\${ settings.user }", password: "\${ settings.password }" }
streams:
  people:
    title: People
    base: \${ settings.base }
    filter: (objectClass=inetOrgPerson)
    attributes:
      uid: { values: first }
      cn: { values: many }
      mail: { values: many }
      employeeNumber: {}
      jpegPhoto: { values: many, type: binary }
    lookup: [uid, mail]
`,
  abilities: (stream) => ({
    read: true,
    incremental: true,
    deletions: 'scan',
    create: false,
    update: false,
    upsert: false,
    upsertBy: [],
    delete: false,
    lookup: stream.lookup ?? [],
    partialUpdate: false,
    content: false,
  }),
  open: async (context) => new LdapSession(context),
})
