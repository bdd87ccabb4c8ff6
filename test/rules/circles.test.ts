import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readImports } from './imports.ts'

/** Rooms whose files can be read from the bottom up: none of them leads back to itself. */
const ROOMS = readdirSync('src')
  // Compilers and checkers call themselves for the parts of what they were given.
  .filter((room) => !['expression', 'mapping'].includes(room))
  .map((room) => `src/${room}`)

/** Files that a file imports, by file; types count, for whoever reads one file has to know the other. */
function importsOf(room: string): Map<string, string[]> {
  const known = new Map<string, string[]>()
  for (const { file, target } of readImports([`${room}/**/*.{ts,tsx}`]))
    if (target !== null) known.set(file, [...(known.get(file) ?? []), target])
  return known
}

/** One way from a file back to itself, for every file that has one and is not in a circle that was found before. */
function circlesIn(known: ReadonlyMap<string, readonly string[]>): string[] {
  const circles: string[] = []
  const done = new Set<string>()
  const walk = (file: string, way: string[]): void => {
    if (way.includes(file)) circles.push([...way.slice(way.indexOf(file)), file].join(' -> '))
    if (done.has(file)) return
    done.add(file)
    for (const next of known.get(file) ?? []) walk(next, [...way, file])
  }
  for (const file of known.keys()) walk(file, [])
  return circles
}

test.each(ROOMS)('no import leads back to where it began: %s', (room) => {
  const known = importsOf(room)
  expect(known.size).toBeGreaterThan(0)
  expect(circlesIn(known)).toEqual([])
})

test('a circle is seen', () => {
  expect(
    circlesIn(
      new Map([
        ['a', ['b', 'd']],
        ['b', ['c']],
        ['c', ['a']],
      ]),
    ),
  ).toEqual(['a -> b -> c -> a'])
})
