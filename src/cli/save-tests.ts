/** `causeway plan SYNC --save`: records become tests in the file beside their mapping. */
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { addToYamlList, parseYamlData } from '../core/index.ts'
import type { SavedTestCase } from '../http/index.ts'
import type { Api } from './api.ts'
import type { CliContext } from './context.ts'
import { printable } from './printable.ts'

/** Saves each record as a test, one after the other, and tells on stderr what came of it. */
export async function saveTests(
  { dir, output }: CliContext,
  api: Api,
  { sync, records, keep }: { sync: string; records: readonly string[]; keep?: string[] },
): Promise<void> {
  for (const record of records) {
    const request = { record, ...(keep ? { keep } : {}) }
    const path = `/api/v1/syncs/${encodeURIComponent(sync)}/save-test`
    const saved = JSON.parse(await api.call('POST', path, request)) as SavedTestCase
    const file = saved.file.replace(/\.ya?ml$/, '.test.yaml')
    const target = resolve(dir, file)
    const [item] = parseYamlData(saved.test) as Record<string, unknown>[]
    const before = existsSync(target) ? await readFile(target, 'utf8') : ''
    await writeFile(target, addToYamlList(before, 'tests', item!, file))
    const other =
      saved.outcome === saved.tested
        ? ''
        : `; the record itself ends as ${saved.outcome}, with its values replaced as ${saved.tested}: see --keep`
    output.note(`${file}: record ${printable(record)} is the test "${printable(saved.name)}"${other}`)
  }
}
