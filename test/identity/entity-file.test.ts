import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readEntityType } from '../../src/identity/read.ts'

const SOUND = readFileSync(join(import.meta.dirname, 'people.yaml'), 'utf8')
const findingsOf = (text: string) =>
  readEntityType(text, 'e.yaml').findings.map(
    ({ code, message, place }) => `${place.line}:${place.column} ${code} ${message}`,
  )

test('a sound file becomes a type, and only what decides makes another version', () => {
  const { type, findings } = readEntityType(SOUND, 'e.yaml')
  expect(findings).toEqual([])
  expect(type).toMatchObject({ name: 'person', country: 'PL', linkAt: 10, reviewAt: 0, timeline: [] })
  expect(type!.records.map(({ from }) => `${from.connection}:${from.stream}`)).toEqual(['crm:people', 'erp:people'])
  expect(readEntityType(`# of no account\n${SOUND}title: Somebody\n`, 'e.yaml').type!.version).toBe(type!.version)
  expect(readEntityType(SOUND.replace('same: 9', 'same: 8'), 'e.yaml').type!.version).not.toBe(type!.version)
})

test.each([
  ['an unknown key', SOUND.replace('country:', 'contry:'), /^2:1 CSW-1005 .*contry/],
  ['a field that is not declared', SOUND.replace('{ name: name,', '{ nam: name,'), /^19:\d+ CSW-1010 the field "nam"/],
  ['an expression that does not parse', SOUND.replace('firstName & " "', 'firstName & '), /^13:\d+ CSW-40/],
  [
    'a stream that has no records here',
    SOUND.replace('kind: email,', 'kind: email, take: [hr:people],'),
    /^5:\d+ CSW-1010 the stream "hr:people"/,
  ],
  ['thresholds the wrong way round', SOUND.replace('review_at: 0', 'review_at: 20'), /^9:\d+ CSW-1010 "review_at"/],
  [
    'a timeline by a field that is no key',
    `${SOUND}timeline:\n  - { stream: erp:orders, kind: order, by: name, key: n, at: d, text: t }\n`,
    /^21:\d+ CSW-1010 a field of kind person is no key/,
  ],
])('%s is said with its place', (_, text, wanted) => {
  expect(findingsOf(text)).toEqual([expect.stringMatching(wanted)])
})
