/** What a plan compares of the files of a hub. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { configurationOf } from '../../src/assemble/configuration.ts'
import { readEntityType } from '../../src/identity/read.ts'

test('what is kept and what a sync does about drift are part of the configuration, where they are said', () => {
  const connection = { name: 'crm', connector: 'x', settings: {}, secrets: {}, allow: [], tls: {} }
  const sync = { name: 'copy', from: { connection: 'crm', stream: 'a' }, to: { connection: 'erp', stream: 'b' } }
  const fields = (keep: object, more: object) =>
    configurationOf({
      config: { connections: new Map([['crm', { ...connection, keep }]]) },
      syncs: [{ ...sync, ...more }],
      entities: [],
      catalogue: { list: () => [] },
    } as unknown as Parameters<typeof configurationOf>[0]).map((item) => item.fields)
  expect(fields({ contacts: 'hash' }, { onDrift: 'pause' })).toMatchObject([
    { 'keep.contacts': 'hash' },
    { on_drift: 'pause' },
  ])
  const [crm, copy] = fields({}, {})
  expect(Object.keys(crm!).filter((name) => name.startsWith('keep'))).toEqual([])
  expect(copy).not.toHaveProperty('on_drift')
})

test('an entity file is part of the configuration: its rules, what is shown to whom, and its text', () => {
  const dir = mkdtempSync(join(tmpdir(), 'causeway-entity-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'person.yaml')
  const text = readFileSync(join(import.meta.dirname, '../identity/people.yaml'), 'utf8')
  writeFileSync(file, text)
  const itemOf = (source: string) =>
    configurationOf({
      config: { connections: new Map() },
      syncs: [],
      entities: [readEntityType(source, file).type],
      catalogue: { list: () => [] },
    } as unknown as Parameters<typeof configurationOf>[0])[0]!
  const before = itemOf(text)
  expect(before).toMatchObject({ kind: 'entity', name: 'person', source: text })
  const other = itemOf(text.replace('link_at: 10', 'link_at: 9'))
  const differing = Object.keys(before.fields).filter((field) => before.fields[field] !== other.fields[field])
  expect(differing.sort()).toEqual(['link_at', 'matching'])
})
