/** Whatever way an editor saves a file, and however often: it is seen. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { watchFolder } from '../../src/core/index.ts'

let close: (() => void) | undefined
afterEach(() => close?.())

function watched() {
  const dir = mkdtempSync(join(tmpdir(), 'causeway-watch-'))
  mkdirSync(join(dir, 'maps/deep'), { recursive: true })
  mkdirSync(join(dir, '.causeway'))
  for (const file of ['a.yaml', 'maps/deep/b.yaml', '.causeway/c.yaml']) writeFileSync(join(dir, file), '1')
  const seen = new Set<string>()
  const watcher = watchFolder(dir, (file) => seen.add(file))
  close = () => {
    watcher.close()
    rmSync(dir, { recursive: true })
  }
  /** Does something, and waits until all these are told of. */
  const tells = async (work: () => void, ...files: string[]): Promise<void> => {
    seen.clear()
    work()
    await expect.poll(() => files.filter((file) => !seen.has(file)), { timeout: 60_000 }).toEqual([])
  }
  return { dir, seen, tells }
}

test('a file is written, replaced by another again and again, removed, and comes back', async () => {
  const { dir, tells } = watched()
  const file = join(dir, 'maps/deep/b.yaml')
  const replace = (): void => {
    writeFileSync(`${file}~`, 'x')
    renameSync(`${file}~`, file)
  }
  for (const work of [() => writeFileSync(file, '2'), replace, replace, replace, () => rmSync(file), replace])
    await tells(work, 'maps/deep/b.yaml')
})

test('folders that are made later are watched too, with what is in them already; hidden ones never', async () => {
  const { dir, seen, tells } = watched()
  const made = join(dir, 'new/inner')
  await tells(() => {
    mkdirSync(made, { recursive: true })
    writeFileSync(join(made, 'd.yaml'), '1')
  }, 'new/inner/d.yaml')
  await tells(() => writeFileSync(join(made, 'd.yaml'), '2'), 'new/inner/d.yaml')
  rmSync(join(dir, 'new'), { recursive: true })
  await tells(() => {
    mkdirSync(made, { recursive: true })
    writeFileSync(join(made, 'e.yaml'), '1')
    writeFileSync(join(dir, '.causeway/c.yaml'), '2')
  }, 'new/inner/e.yaml')
  await tells(() => writeFileSync(join(dir, 'a.yaml'), '2'), 'a.yaml')
  expect([...seen].filter((file) => file.startsWith('.'))).toEqual([])
})
