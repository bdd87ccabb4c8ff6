/** What a manifest says about a directory. */
import {
  type CompiledPart,
  choice,
  type Field,
  flag,
  integer,
  list,
  map,
  part,
  section,
  template,
  text,
  type ValueOf,
} from '../../language/index.ts'

const SETTINGS = ['settings'] as const

const bindPart = part({
  title: 'Bind',
  sense: 'Who the hub is to the directory (simple bind). Use it over LDAPS or StartTLS only.',
  fields: {
    dn: template({
      sense: 'Distinguished name, or with Active Directory user@domain.',
      names: SETTINGS,
      required: true,
    }),
    password: template({
      sense: 'The password. An empty one is refused: servers take it for anonymous.',
      names: SETTINGS,
      required: true,
    }),
  },
  example: `bind: { dn: "\${ settings.user }", password: "\${ settings.password }" }`,
})
export type BindSpec = ValueOf<typeof bindPart>

export const connectorFields = {
  url: template({
    sense: '`ldap://host:389` or `ldaps://host:636`. A private authority is named in `tls.ca` of the connection.',
    names: SETTINGS,
    required: true,
    example: 'ldaps://directory.example.com',
  }),
  start_tls: template({
    sense: '`true` goes on in TLS on the plain port before the bind.',
    names: SETTINGS,
    default: 'false',
  }),
  bind: section(bindPart, { sense: 'Left out, the hub is anonymous.' }) as Field<BindSpec | undefined>,
  timeout_seconds: integer({ sense: 'For one page of results.', default: 60, minimum: 1, maximum: 900 }),
}
export type LdapConnector = CompiledPart<typeof connectorFields>

/** Every attribute of a directory may have several values; what a record looks like must not depend on how many. */
const attributePart = part({
  title: 'Attribute',
  sense: 'One attribute of a record.',
  fields: {
    values: choice(['one', 'first', 'many'], {
      sense:
        '`one`: a value or null; an entry with several is rejected, since dropping some would lose data. `first`: the one the server gives first, on purpose. `many`: always a list.',
      default: 'one',
    }),
    type: choice(['text', 'binary', 'time', 'guid'], {
      sense:
        '`binary` gives base64, `time` turns generalized time into ISO, `guid` is the 16 bytes of Active Directory.',
      default: 'text',
    }),
  },
  example: 'mail: { values: many }',
})
export type AttributeSpec = ValueOf<typeof attributePart>

const changeLogPart = part({
  title: 'Change log',
  sense: "OpenLDAP's accesslog overlay: incremental reads learn of deletions from it.",
  fields: {
    base: template({
      sense: 'Its suffix, for example cn=log. Without value there is none.',
      names: SETTINGS,
      required: true,
    }),
  },
  example: 'change_log: { base: cn=log }',
})
export type ChangeLogSpec = ValueOf<typeof changeLogPart>

const writePart = part({
  title: 'Write',
  sense:
    'Makes entries writable: new ones, changed attributes, other names and places, and deletions. An update sends what differs from what the entry holds; null takes an attribute away. Written beside the attributes: `parent`, the DN an entry lies below, which moves it.',
  fields: {
    below: template({
      sense: 'The DN below which new entries are made where the record gives no `parent`.',
      names: SETTINGS,
      required: true,
      example: 'ou=people,dc=example,dc=com',
    }),
    named_by: text({
      sense:
        'The attribute that new entries are named by. Where it gets another value, the entry is renamed; its id stays.',
      required: true,
      example: 'uid',
    }),
    object_classes: list(template({ sense: 'A class.', names: SETTINGS }), {
      sense: 'Object classes of new entries.',
      required: true,
      example: ['inetOrgPerson'],
    }),
    by_difference: list(text({ sense: 'An attribute whose values are names.' }), {
      sense:
        'Attributes of which only the values that come and go are sent, such as the members of a group. The others are replaced as a whole.',
      example: ['member'],
    }),
    delete: flag({ sense: 'Lets syncs delete entries.', default: true }),
  },
  example: 'write: { below: "ou=people,dc=example,dc=com", named_by: uid, object_classes: [inetOrgPerson] }',
})

export const streamFields = {
  base: template({
    sense: 'Where to search. Choose it wide enough for entries to move within: one that leaves it counts as deleted.',
    names: SETTINGS,
    required: true,
    example: 'dc=example,dc=com',
  }),
  scope: choice(['sub', 'one', 'base'], { sense: 'How deep.', default: 'sub' }),
  filter: template({
    sense:
      'Which entries, as an LDAP filter (RFC 4515). Characters beyond ASCII are written as they are, not as escaped bytes.',
    names: SETTINGS,
    default: '(objectClass=*)',
    example: '(objectClass=inetOrgPerson)',
  }),
  attributes: map(section(attributePart, { sense: 'How it is read.' }) as Field<AttributeSpec>, {
    sense: 'The attributes of a record, under the names they are asked by.',
    keys: '^[A-Za-z][A-Za-z0-9-]*(;[A-Za-z0-9-]+)*$',
    required: true,
    example: { uid: { values: 'first' }, mail: { values: 'many' } },
  }) as Field<Record<string, AttributeSpec>>,
  id_attribute: text({
    sense: 'Identifies an entry for its whole life, also when it is renamed or moved; `record.id`.',
    default: 'entryUUID',
  }),
  changed_attribute: text({
    sense: 'When an entry was changed last; `record.changed_at`.',
    default: 'modifyTimestamp',
  }),
  overlap_seconds: integer({
    sense:
      'How far an incremental read looks back behind the last change seen: covers replication, clock differences and changes within one second.',
    default: 300,
    minimum: 1,
    maximum: 86_400,
  }),
  change_log: section(changeLogPart, { sense: 'Without it, deletions are found by full reads.' }) as Field<
    ChangeLogSpec | undefined
  >,
  page_size: integer({ sense: 'Entries a page.', default: 500, minimum: 1, maximum: 5000 }),
  lookup: list(text({ sense: 'An attribute.' }), {
    sense: 'Attributes by which entries can be found; they should be indexed there.',
  }),
  write: section(writePart, { sense: 'Leave it out for what is only read.' }) as Field<
    ValueOf<typeof writePart> | undefined
  >,
}
export type LdapStream = CompiledPart<typeof streamFields>
