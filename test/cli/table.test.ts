/** Tables on a terminal that is narrower than they are. */
import { expect, onTestFinished, test } from 'vitest'
import { state, table } from '../../src/cli/table.ts'

/** As on a terminal of so many columns; without them, as in a pipe. */
function terminal(columns?: number): void {
  for (const [name, value] of Object.entries({ isTTY: columns !== undefined, columns })) {
    const before = Object.getOwnPropertyDescriptor(process.stdout, name)
    Object.defineProperty(process.stdout, name, { value, configurable: true, writable: true })
    onTestFinished(() => {
      if (before) Object.defineProperty(process.stdout, name, before)
      else Reflect.deleteProperty(process.stdout, name)
    })
  }
}

const HEAD = ['run', 'of', 'outcome', 'particulars']
const LONG = 'a'.repeat(50)
const ROWS = [
  [1, LONG, state('success'), 'b'.repeat(80)],
  [22, 'short', state('failed'), 'c'],
]
const drawn = (): string[] =>
  table(HEAD, ROWS, '')
    .replaceAll(/\p{Cc}\[\d+m/gu, '')
    .split('\n')
const widest = (lines: string[]): number => Math.max(...lines.map((line) => line.length))

test('a table keeps within the terminal, and cuts what is longest', () => {
  terminal(80)
  const lines = drawn()
  expect(lines.length).toBe(3)
  expect(widest(lines)).toBe(80)
  expect(lines[1]).toMatch(/^1 {4}a+… {2}success {2}b+…$/)
  expect(lines[2]).toMatch(/^22 {3}short +failed +c$/)
})

test('nothing is cut for a terminal that is wide enough, nor shorter than names need', () => {
  terminal(200)
  expect(drawn()[1]).toContain(LONG)
  terminal(20)
  const cells = drawn()[1]!.split(/ {2,}/)
  expect(cells.map((cell) => cell.length)).toEqual([1, 16, 7, 16])
})

test('who reads a pipe gets what one who has a wide terminal gets', () => {
  terminal(200)
  const wide = drawn()
  terminal()
  expect(drawn()).toEqual(wide)
})

test('a character of two units is never cut into halves', () => {
  terminal(20)
  const text = table(['a', 'b'], [[`${'x'.repeat(14)}😀😀😀`, 'y'.repeat(30)]], '')
  expect(text).toContain(`${'x'.repeat(14)}…`)
  expect(text.isWellFormed()).toBe(true)
})
