/** What commands may take. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { processorTimeOf, slowness } from './processor-time.ts'
import { runBinary, runCli } from './run-cli.ts'

/**
 * What share of a bar in milliseconds a command takes: the best of some tries, each held against how fast the machine is in that moment.
 * A neighbour on the other thread of a core makes processor time dearer by half, for seconds.
 */
async function shareOf(bar: number, tries: number, args: string[], cwd: string): Promise<number> {
  const shares: number[] = []
  for (let i = 0; i < tries; i++) shares.push((await processorTimeOf(args, cwd)) / (bar * slowness()))
  return Math.min(...shares)
}

test('--version takes at most 150 ms of processor time', async () => {
  expect(await shareOf(150, 5, ['--version'], import.meta.dirname)).toBeLessThan(1)
})

test('completion with the names of a hub folder takes at most 150 ms of processor time', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-tab-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  expect((await runCli(['init', '.'], { cwd: folder })).code).toBe(0)
  const line = ['complete', '--', 'run', '']
  expect((await runBinary(line, { cwd: folder })).stdout).toContain('contacts-to-helpdesk')
  expect(await shareOf(150, 5, line, folder)).toBeLessThan(1)
})

test('validate takes at most 2 s of processor time for a hub of 100 mapping files', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-hundred-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  expect((await runCli(['init', '.'], { cwd: folder })).code).toBe(0)
  const text = await readFile(join(folder, 'mappings/contacts-to-helpdesk.yaml'), 'utf8')
  const copy = (i: number, change = (of: string): string => of) =>
    writeFile(join(folder, `mappings/copy-${i}.yaml`), change(text.replace('sync: contacts-', `sync: copy-${i}-`)))
  for (let i = 1; i < 99; i++) await copy(i)
  // That all of them are read is known from a fault in the last.
  await copy(99, (of) => of.replace('match:', 'mtach:'))
  const faulty = await runCli(['validate'], { cwd: folder })
  expect(faulty.stdout + faulty.stderr).toContain('copy-99.yaml')
  await copy(99)
  expect(await shareOf(2_000, 3, ['validate'], folder)).toBeLessThan(1)
})
