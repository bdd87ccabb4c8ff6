/** What a plan compares of the files of a hub. */
import { expect, test } from 'vitest'
import { configurationOf } from '../../src/assemble/configuration.ts'

test('what is kept and what a sync does about drift are part of the configuration, where they are said', () => {
  const connection = { name: 'crm', connector: 'x', settings: {}, secrets: {}, allow: [], tls: {} }
  const sync = { name: 'copy', from: { connection: 'crm', stream: 'a' }, to: { connection: 'erp', stream: 'b' } }
  const fields = (keep: object, more: object) =>
    configurationOf({
      config: { connections: new Map([['crm', { ...connection, keep }]]) },
      syncs: [{ ...sync, ...more }],
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
