/** What commands may take. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { processorTimeOf, slowness } from './processor-time.ts'
import { runBinary, runCli } from './run-cli.ts'

/** The best of some tries: what else the machine does can only add. */
async function leastOf(tries: number, args: string[], cwd: string): Promise<number> {
  const taken: number[] = []
  for (let i = 0; i < tries; i++) taken.push(await processorTimeOf(args, cwd))
  return Math.min(...taken)
}

test('--version takes at most 150 ms of processor time', async () => {
  expect(await leastOf(5, ['--version'], import.meta.dirname)).toBeLessThan(150 * slowness())
})

test('completion with the names of a hub folder takes at most 150 ms of processor time', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-tab-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  expect((await runCli(['init', '.'], { cwd: folder })).code).toBe(0)
  const line = ['complete', '--', 'run', '']
  expect((await runBinary(line, { cwd: folder })).stdout).toContain('contacts-to-helpdesk')
  expect(await leastOf(5, line, folder)).toBeLessThan(150 * slowness())
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
  expect(await leastOf(3, ['validate'], folder)).toBeLessThan(2_000 * slowness())
})
