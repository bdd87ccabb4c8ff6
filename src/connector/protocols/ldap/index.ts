/** Protocol `ldap`: people, groups and other entries of a directory (RFC 4511). */
import { defineProtocol } from '../contract.ts'
import { connectorFields, streamFields } from './fields.ts'
import { LdapSession } from './session.ts'

export const ldap = defineProtocol({
  name: 'ldap',
  title: 'LDAP',
  sense:
    'Entries of a directory (OpenLDAP, Active Directory and others): read in full or since the last change, made, changed, renamed and deleted.',
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
    write:
      below: ou=people,\${ settings.base }
      named_by: uid
      object_classes: [inetOrgPerson]
`,
  abilities: (stream) => ({
    read: true,
    incremental: true,
    deletions: 'scan',
    create: stream.write !== undefined,
    update: stream.write !== undefined,
    upsert: false,
    upsertBy: [],
    delete: stream.write?.delete ?? false,
    lookup: stream.lookup ?? [],
    partialUpdate: true,
    content: false,
  }),
  check: ({ attributes, write }) =>
    [write?.named_by, ...(write?.by_difference ?? [])].flatMap((name) =>
      name === undefined || Object.hasOwn(attributes, name)
        ? []
        : [
            {
              field: 'write',
              message: `names the attribute ${name}, which the stream does not declare`,
              fix: `Add ${name} to \`attributes\`.`,
            },
          ],
    ),
  open: async (context) => new LdapSession(context),
})
