/**
 * What editors say of the keys of mapping and test files: the sense of each, where it helps an example, and what holds without it.
 * By path (`*` for any name), or by the last name alone where a key means the same in several places.
 */
type Words = { description: string; examples?: readonly unknown[]; default?: unknown }

const WORDS: Record<string, Words> = {
  sync: { description: 'Name of the sync; without it that of the file.', examples: ['contacts-to-customers'] },
  description: { description: 'For people.' },
  from: { description: 'The stream that records come from, `connection:stream`.', examples: ['crm:contacts'] },
  to: { description: 'The stream that records go to, `connection:stream`.', examples: ['erp:customers'] },
  match: {
    description:
      'Fields of the target by which a record is found there: tried in order, a list asks for all of its fields.',
    examples: [['email', ['company', 'name']]],
  },
  when: { description: 'Records for which this is not true are left out.', examples: ['$not(archived = true)'] },
  with: { description: 'Records of other streams, seen in expressions as variables of these names.' },
  'with.*.from': { description: 'The stream that is joined, `connection:stream`.' },
  'with.*.key': { description: 'Expression over the record: the key of what is joined.', examples: ['company_id'] },
  'with.*.field': { description: 'Field of the joined stream that the key is compared with; without it its id.' },
  'with.*.take': { description: 'One record, or all with this key as a list.', default: 'one' },
  'with.*.required': { description: 'A key that finds nothing makes a dead letter.', default: false },
  tables: { description: 'Value tables, read by `$table(name, key)`.' },
  'tables.*.file': { description: 'CSV or YAML beside the mapping.', examples: ['countries.csv'] },
  'tables.*.key': { description: 'Column of the keys; without it the first.' },
  'tables.*.value': { description: 'Column of the values; without it the second, or the whole row.' },
  'tables.*.values': { description: 'The table itself.', examples: [{ lead: 'prospect', customer: 'active' }] },
  map: {
    description: 'Fields of the target with expressions over the source record, or one expression for all of it.',
    examples: [{ name: "first_name & ' ' & last_name", email: '$lowercase(email)' }],
  },
  each: { description: 'Several target records from one.' },
  'each.of': { description: 'Expression: the items, one target record for each.', examples: ['lines'] },
  'each.key': {
    description: 'Expression over `$item`: stable, and unique within the record.',
    examples: ['$item.id'],
  },
  both: {
    description: 'Copied both ways: fields of `from`, and their names in `to`.',
    examples: [{ name: 'RealName' }],
  },
  back: { description: 'The way back: fields of `from` with expressions over a record of `to`.' },
  'tests.back': { description: 'The test runs the way back: its record is one of `to`.', default: false },
  back_match: { description: '`match` of the way back, in fields of `from`.' },
  back_when: { description: 'Which records of `to` come back.' },
  back_mode: { description: 'Whether a record that is new in `to` is made in `from`.', default: 'upsert' },
  back_deletes: { description: 'What a deletion in `to` does in `from`.', default: 'ignore' },
  conflict: { description: 'Who wins where both sides changed: one policy, or some by field.', examples: ['newest'] },
  'conflict.default': { description: 'For all fields that have no policy of their own.' },
  'conflict.fields': { description: 'By top-level fields of `to`.' },
  mode: { description: 'Whether records may be created, updated, or both.', default: 'upsert' },
  on_leave: { description: 'What happens to the target when `when` stops being true.', default: 'keep' },
  deactivate: { description: 'Fields and values that make a target record inactive.', examples: [{ active: false }] },
  deletes: { description: 'What a deletion in the source does; as an object also its limits.', default: 'ignore' },
  'deletes.policy': { description: 'What a deletion in the source does.', default: 'ignore' },
  'deletes.max_share': {
    description: 'More than this share and `max_count` at once is held for a person.',
    default: 0.2,
  },
  'deletes.max_count': { description: 'More than this and `max_share` at once is held for a person.', default: 20 },
  'deletes.grace': { description: 'So long a record may still come back.', examples: ['7d'] },
  on_doubt: { description: 'When nobody can tell whether a create arrived: a person, or once more.', default: 'ask' },
  on_drift: { description: 'When the source changes the form of what the mapping reads.', default: 'continue' },
  content: { description: 'Carry the bytes of files along.', default: false },
  schedule: {
    description: 'When the source is pulled: `every`, `cron` with `zone`, `webhook`, `manual`, or a list of them.',
    examples: [{ every: '30s' }, [{ every: '5m' }, 'webhook']],
    default: 'manual',
  },
  full: { description: 'When a pull starts over.', examples: [{ cron: '0 2 * * 0', zone: 'Europe/Warsaw' }] },
  every: { description: 'An interval: `500ms`, `30s`, `5m`, `2h`, `1d`.', examples: ['30s'] },
  cron: { description: 'Five fields: minute, hour, day, month, weekday.', examples: ['0 2 * * 0'] },
  zone: { description: 'Time zone of `cron`.', examples: ['Europe/Warsaw'] },
  lanes: { description: 'How many workers share the sync.', default: 1 },
  retry: { description: 'How a failed record is tried again.' },
  'retry.attempts': { description: 'After so many a person is asked.', default: 8 },
  'retry.base': { description: 'The first wait; each is twice as long as the one before.', default: '5s' },
  'retry.cap': { description: 'The longest wait.', default: '30m' },
  tags: { description: 'For selections: `--select tag:NAME`.' },
  tests: { description: 'Cases that `causeway test` runs.' },
  'tests.name': { description: 'What holds, in words.', examples: ['names are joined'] },
  'tests.table': { description: 'One test for each row, with its values in place of `${ name }`.' },
  'tests.given': { description: 'The record, and what it meets.' },
  'tests.given.id': { description: 'Its id.' },
  'tests.given.body': { description: 'The record; as text it is JSON and keeps the spelling of numbers.' },
  'tests.given.with': { description: 'Joined records, by join name.' },
  'tests.given.references': { description: 'Linked ids.', examples: [{ 'crm:users/7': 'E-7' }] },
  'tests.given.deleted': { description: 'The source deleted it.', default: false },
  'tests.given.now': { description: 'What `$now()` answers.', default: '2026-01-01T00:00:00Z' },
  'tests.expect': { description: 'What comes out.' },
  'tests.expect.equals': { description: 'The whole record.' },
  'tests.expect.contains': { description: 'At least these fields; lists as a whole.' },
  'tests.expect.parts': { description: 'For `each`: the record of every part, by key.' },
  'tests.expect.matches': { description: 'Regular expressions, by the path of a field.' },
  'tests.expect.jsonata': { description: 'Expressions over the result that must hold.' },
  'tests.expect.snapshot': { description: 'What it gave when `causeway test --update` was run.' },
  'tests.expect.filtered': { description: '`when` left it out.' },
  'tests.expect.error': { description: 'It fails with this code.', examples: ['CSW-4002'] },
}

type Node = Record<string, unknown>

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value)

/** The schema with the words on its properties, however deep. */
export function withWords<T extends object>(schema: T, path: readonly string[] = []): T {
  const told: Node = { ...(schema as Node) }
  const { properties, items, additionalProperties } = schema as Node
  if (isNode(properties))
    told.properties = Object.fromEntries(
      Object.entries(properties).map(([name, property]) => [
        name,
        { ...wordsOf([...path, name]), ...withWords(property as Node, [...path, name]) },
      ]),
    )
  if (isNode(items)) told.items = withWords(items, path)
  if (isNode(additionalProperties)) told.additionalProperties = withWords(additionalProperties, [...path, '*'])
  return told as T
}

const wordsOf = (path: readonly string[]): Words | undefined => WORDS[path.join('.')] ?? WORDS[path.at(-1)!]
