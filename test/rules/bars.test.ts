import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const rows = readFileSync(join(ROOT, 'docs/bars.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| bar '))
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\||\|$/g, '').trim()))

test('the files and tests that hold the bars exist', () => {
  expect(rows.length).toBeGreaterThan(20)
  const missing = rows.filter((row) => {
    if (/^not yet: \S/.test(row.at(-1)!)) return false
    const [, file, name] = /^`(test\/\S+\.ts)`: (.+)$/.exec(row.at(-1)!) ?? []
    return !file || !existsSync(join(ROOT, file)) || !readFileSync(join(ROOT, file), 'utf8').includes(name!)
  })
  expect(missing).toEqual([])
})

test('every bar of mapping files, plans and selections has a test, and every bar of the page, of security and of conventions a test or a word about why not', () => {
  const bars = rows.map(([bar]) => bar!).filter((bar) => /^[MCU]\d+$/.test(bar))
  const page = Array.from({ length: 20 }, (_, i) => `U${i + 1}`)
  const line = Array.from({ length: 9 }, (_, i) => `C${i + 1}`)
  const first = ['M1', 'M2', 'M3', 'M4', 'M5', 'M6', 'M7', 'M8', 'M9', 'M10', 'C10', 'C11', 'C12', ...page]
  expect(bars).toEqual([...first, ...line, 'C13', 'C14'])
  const security = rows.map(([bar]) => bar!).filter((bar) => /^S\d+$/.test(bar))
  expect(security).toEqual(Array.from({ length: 17 }, (_, i) => `S${i + 1}`))
  expect(rows.map(([bar]) => bar!).filter((bar) => /^B\d+$/.test(bar))).toEqual(['B1', 'B2', 'B3', 'B4', 'B5', 'B6'])
  expect(rows.map(([bar]) => bar!).filter((bar) => /^K\d+$/.test(bar))).toEqual(
    Array.from({ length: 13 }, (_, i) => `K${i + 1}`),
  )
  const unheld = rows.filter(([bar, , held]) => /^(M\d+|C1[0-2]|B\d+)$/.test(bar!) && held!.startsWith('not yet'))
  expect(unheld).toEqual([])
})
