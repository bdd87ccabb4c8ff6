/** The check of the HTTP API against that of the last release finds what would break a client, and nothing else. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type ApiDocument, breakingChanges } from '../../scripts/api-changes.ts'

type Node = Record<string, unknown>
const text = readFileSync('docs/openapi.json', 'utf8')
const LETTER = '/api/v1/dead-letters/{id}'

/** The document with one thing changed; `at` leads to it. */
function edited(at: string[], change: (value: Node) => void): ApiDocument {
  const document = JSON.parse(text) as ApiDocument
  const node = at.reduce((value, step) => value[step] as Node, document as unknown as Node)
  expect(node, at.join(' ')).toBeTypeOf('object')
  change(node)
  return document
}
const json = (schema: string[]) => ['content', 'application/json', 'schema', ...schema]
const letter = ['paths', LETTER, 'get']
const answer = [...letter, 'responses', '200', ...json([])]
const assign = ['paths', `${LETTER}/assign`, 'post']
const body = [...assign, 'requestBody', ...json([])]
const found = (document: ApiDocument) => breakingChanges(JSON.parse(text) as ApiDocument, document)
const has = (value: Node, name: string): Node => value[name] as Node

test('a document breaks nothing of itself', () => expect(found(JSON.parse(text))).toEqual([]))

test.for<[what: string, at: string[], change: (value: Node) => void, says: RegExp]>([
  ['a path that is gone', ['paths'], (paths) => delete paths[LETTER], /GET .*\{id\} is gone/],
  ['a method that is gone', ['paths', `${LETTER}/assign`], (item) => delete item.post, /POST .* is gone/],
  ['a field that is gone from an answer', [...answer, 'properties'], (all) => delete all.assignee, /assignee is gone/],
  ['a field that may be missing', answer, (schema) => (schema.required as string[]).splice(0, 1), /may be missing/],
  ['an answer of another type', [...answer, 'properties', 'id'], (id) => (id.type = 'string'), /may be string/],
  ['an answer that is gone', [...letter, 'responses'], (all) => delete all['200'], /answer 200 is gone/],
  ['a new field that has to be sent', body, (schema) => (schema.required as string[]).push('why'), /has to be given/],
  ['a shorter text', [...body, 'properties', 'note'], (note) => (note.maxLength = 10), /maxLength is lower/],
  [
    'a value that is no longer taken',
    [...body, 'properties', 'assignee'],
    (one) => (one.type = 'string'),
    /takes no null/,
  ],
  ['a list of values', [...body, 'properties', 'note'], (note) => (note.enum = ['a']), /takes no what is in no list/],
  ['another pattern', [...body, 'properties', 'note'], (note) => (note.pattern = '^a$'), /pattern is another/],
  ['a field that is no longer taken', [...body, 'properties'], (all) => delete all.note, /note is gone/],
  [
    'a body that has to be sent',
    ['paths', `${LETTER}/requeue`, 'post', 'requestBody'],
    (one) => (one.required = true),
    /a body has/,
  ],
  ['other rights', assign, (operation) => (operation.security = [{ token: ['access:manage'] }]), /other rights/],
  ['another operation id', assign, (operation) => (operation.operationId = 'x'), /operation id is x/],
  [
    'a parameter that has to be given',
    ['paths', '/api/v1/dead-letters', 'get'],
    (list) =>
      (has(list, 'parameters') as unknown as Node[]).push({ name: 'x', in: 'query', required: true, schema: {} }),
    /parameter x has to/,
  ],
  [
    'a parameter that is gone',
    ['paths', '/api/v1/dead-letters', 'get'],
    (list) => (has(list, 'parameters') as unknown as Node[]).shift(),
    /parameter \w+ is gone/,
  ],
])('%s breaks', ([, at, change, says]) => expect(found(edited(at, change)).join('\n')).toMatch(says))

test.for<[what: string, at: string[], change: (value: Node) => void]>([
  ['a new path', ['paths'], (paths) => (paths['/api/v1/more'] = { get: has(paths, LETTER).get })],
  ['a new field of an answer', [...answer, 'properties'], (all) => (all.more = { type: 'string' })],
  ['a new field that need not be sent', [...body, 'properties'], (all) => (all.more = { type: 'string' })],
  ['a longer text', [...body, 'properties', 'note'], (note) => (note.maxLength = 5_000)],
  ['a description', answer, (schema) => (schema.description = 'more')],
  [
    'a parameter that need not be given',
    ['paths', '/api/v1/dead-letters', 'get'],
    (list) =>
      (has(list, 'parameters') as unknown as Node[]).push({ name: 'x', in: 'query', required: false, schema: {} }),
  ],
])('%s breaks nothing', ([, at, change]) => expect(found(edited(at, change))).toEqual([]))
