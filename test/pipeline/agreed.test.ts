/** What one direction of a two-way sync noted while the other one worked on the same row stays. */
import { expect, test } from 'vitest'
import { rebase } from '../../src/store/ledger/agreed.ts'

test('an echo that came back takes no echo along that the other direction noted meanwhile', () => {
  const read = {
    phone: '1',
    name: 'A',
    '~two-way': { echo: { phone: '0', name: 'Z' }, echoAt: { phone: 't1', name: 't1' } },
  }
  const ours = { phone: '1', name: 'A', '~two-way': { asked: ['city'] } }
  const now = {
    phone: '2',
    name: 'A',
    notes: 'n',
    '~two-way': {
      echo: { phone: '1', name: 'Z', notes: null },
      echoAt: { phone: 't2', name: 't1', notes: 't2' },
      ownHere: { version: '5', was: null },
    },
  }
  expect(rebase(now, read, ours)).toEqual({
    phone: '2',
    name: 'A',
    notes: 'n',
    '~two-way': {
      asked: ['city'],
      echo: { phone: '1', notes: null },
      echoAt: { phone: 't2', notes: 't2' },
      ownHere: { version: '5', was: null },
    },
  })
})

test('fields that a batch changed itself are its own, and what it dropped goes', () => {
  expect(rebase({ a: 1, b: 2, c: 3 }, { a: 1, b: 2, c: 3 }, { a: 9, b: 2 })).toEqual({ a: 9, b: 2 })
})
