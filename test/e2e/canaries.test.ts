/** A canary person and canary secrets, put through a whole hub, and looked for in what it tells. */
import { expect, test } from 'vitest'
import { wordsIn } from '../canary-words.ts'
import { canaryHub, SAID_OF_SOURCE, SAID_OF_TARGET } from './canary-hub.ts'

/** What the API says of the hub itself. Nobody is in it. */
const OF_THE_HUB = [
  '/metrics',
  '/readyz',
  '/openapi.json',
  ...[
    'activity',
    'alerts',
    'alerts/messages',
    'analytics',
    'audit',
    'audit/verification',
    'bulk-actions',
    'configuration/versions',
    'connections',
    'connections/peer',
    'connectors',
    'drifts',
    'explain?code=CSW-3008',
    'me',
    'queues',
    'schedules',
    'secrets/keys',
    'settings',
    'streams',
    'subscriptions',
    'support',
    'syncs',
    'syncs/contacts',
    'syncs/contacts/hours',
    'system',
    'timeline',
    'tokens',
    'users',
    'webhook-intake',
    'workers',
  ].map((path) => `/api/v1/${path}`),
]
/** What it says of records, and what systems said: there people are who are in them. */
const OF_PEOPLE = [
  'problems',
  'dead-letters',
  'dead-letters/LETTER',
  'events',
  'records?q=plain',
  // What a system answered when it failed.
  'runs',
  'record?stream=peer:contacts&id=plain',
  'configuration',
].map((path) => `/api/v1/${path}`)

/** Addresses of all routes that need this scope and only read, with the names of what there is. */
function pathsFor(scope: string, document: string): string[] {
  type Operation = { security?: { token?: string[] }[] }
  const { paths } = JSON.parse(document) as { paths: Record<string, { get?: Operation }> }
  return Object.entries(paths)
    .filter(([path, { get }]) => get?.security?.some(({ token }) => token?.[0] === scope) && !path.endsWith('/feed'))
    .map(([path]) => {
      const of = path.includes('/connections/') ? 'peer' : path.includes('/connectors/') ? 'peer' : 'contacts'
      return path
        .replace('{name}', of)
        .replace('{address}', 'peer%3Acontacts')
        .replaceAll(/\{\w+\}/g, '1')
    })
}

test('a person by every field, and every secret, are in no log, metric, trace, alert, support bundle and audit', {
  timeout: 300_000,
}, async () => {
  const hub = await canaryHub()
  const found: string[] = []
  for (const path of OF_THE_HUB) {
    const text = await hub.ask(path)
    expect(text.length, path).toBeGreaterThan(1)
    for (const word of wordsIn(text, [...hub.secrets, ...hub.person])) found.push(`${word} is in ${path}`)
  }
  const seen = new Set<string>()
  for (const path of OF_PEOPLE) {
    const text = await hub.ask(path.replace('LETTER', String(hub.letter)))
    for (const word of wordsIn(text, hub.secrets)) found.push(`${word} is in ${path}`)
    for (const word of wordsIn(text, hub.person)) seen.add(word)
  }
  // A program that may see the hub and no records is told nothing that systems said, on no route that it may ask.
  const watched = pathsFor('hub:read', await hub.ask('/openapi.json'))
  expect(watched.length).toBeGreaterThan(30)
  for (const path of watched) {
    const text = await hub.watch(path)
    expect(text.length, path).toBeGreaterThan(1)
    for (const word of wordsIn(text, [...hub.secrets, ...hub.person])) found.push(`${word} is in ${path} for a watcher`)
  }
  expect(await hub.watch('/api/v1/runs?outcome=failed')).toContain('"withheld":"records:read"')
  expect(await hub.watch('/api/v1/dead-letters')).toContain('CSW-8011')
  // Last, for asking leaves its traces too.
  const outside = await hub.end()
  for (const [place, text] of Object.entries(outside)) {
    expect(text.length, place).toBeGreaterThan(100)
    for (const word of wordsIn(text, [...hub.secrets, ...hub.person])) found.push(`${word} is in ${place}`)
  }
  for (const line of [SAID_OF_SOURCE, SAID_OF_TARGET, 'request'])
    expect(outside['the logs']).toContain(`"msg":"${line}`)
  expect(found).toEqual([])
  // Else this would look in a way that finds nobody.
  expect([...seen].sort()).toEqual([...hub.person].sort())
})
