/** The page says in Polish what the hub says of its error codes in English: whoever makes a code, or changes its words, adds them there. */
import { expect, test } from 'vitest'
import { registry } from '../../src/core/errors/registry.ts'
import sentences from '../../src/ui/texts/codes.pl.json' with { type: 'json' }

test('what every error code means, and what to do about it, is said in Polish, with the same names in it', () => {
  const said = new Map(Object.entries(sentences as Record<string, string>))
  const english = new Set<string>(Object.values(registry).flatMap(({ meaning, action }) => [meaning, action]))
  const missing = Object.entries(registry).filter(([, { meaning, action }]) => !said.has(meaning) || !said.has(action))
  expect(missing.map(([code]) => code)).toEqual([])
  expect([...said.keys()].filter((text) => !english.has(text))).toEqual([])
  // Commands, settings, files and statuses are what the reader types or looks for.
  const names = (text: string): string[] =>
    (text.match(/`[^`]*`|docs\/[\w/-]+\.md|CAUSEWAY_\w+|causeway\.yaml|\(\d\w\w\)|TLS|SSH|JSONata/g) ?? []).sort()
  const differing = [...said].filter(([text, polish]) => names(text).join() !== names(polish).join())
  expect(differing.map(([text]) => text)).toEqual([])
  expect([...said].filter(([text, polish]) => text === polish)).toEqual([])
})
