/** Selections: terms, their union, and the way along the syncs. */
import { expect, test } from 'vitest'
import { readSoundMapping, type SyncDefinition, selectSyncs } from '../../src/mapping/index.ts'

const sync = (name: string, from: string, to: string, more = ''): SyncDefinition =>
  readSoundMapping(`sync: ${name}\nfrom: ${from}\nto: ${to}\n${more}map: { a: b }\n`, `mappings/${name}.yaml`)
    .definition

const SYNCS = [
  sync('people-in', 'hrm:people', 'crm:contacts', 'tags: [people]\n'),
  sync('contacts-on', 'crm:contacts', 'erp:customers', 'tags: [people, money]\n'),
  sync('invoices-back', 'erp:invoices', 'crm:notes', 'with: { c: { from: erp:customers, key: x } }\n'),
  sync('files', 'docs:files', 'store:files'),
]
const select = (selection: string): string[] =>
  selectSyncs(SYNCS, selection, {
    connectorOf: (connection) => `sample-${connection}`,
    isModified: ({ name }) => name === 'files',
  }).map(({ name }) => name)

test.each([
  ['files', ['files']],
  ['*-in, *-on', ['people-in', 'contacts-on']],
  ['tag:money', ['contacts-on']],
  ['connection:erp', ['contacts-on', 'invoices-back']],
  ['connector:sample-docs', ['files']],
  ['path:mappings/contacts-on.yaml', ['contacts-on']],
  ['path:mappings', ['people-in', 'contacts-on', 'invoices-back', 'files']],
  ['state:modified', ['files']],
  ['+contacts-on', ['people-in', 'contacts-on']],
  ['contacts-on+', ['contacts-on', 'invoices-back']],
  ['+invoices-back', ['people-in', 'contacts-on', 'invoices-back']],
  ['+tag:money+ files', ['people-in', 'contacts-on', 'invoices-back', 'files']],
])('%s', (selection, expected) => {
  expect(select(selection)).toEqual(expected)
})

test.each([
  ['fils', 'No sync is meant by "fils".', 'Did you mean "files"?'],
  ['tag:mony', 'No sync is meant by "tag:mony".', 'Did you mean "money"?'],
  ['tga:money', '"tga:money" selects by "tga".', 'Did you mean "tag:"?'],
  ['state:old', '"state:old" is no state.', 'Write state:modified.'],
  [' , ', 'The selection is empty.', 'Known: name:…, tag:…, connection:…, connector:…, path:…, state:….'],
])('%s is refused with the way out', (selection, what, fix) => {
  expect(() => select(selection)).toThrow(expect.objectContaining({ code: 'CSW-8020', message: what, fix }) as Error)
})
