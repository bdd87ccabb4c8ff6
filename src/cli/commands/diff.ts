import { execFile } from 'node:child_process'
import { statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Command } from 'commander'
import { CausewayError, parseExact } from '../../core/index.ts'
import type { MappingComparison } from '../../http/index.ts'
import { withApi } from '../api.ts'
import type { MakeContext } from '../context.ts'
import { countOption } from '../count-option.ts'
import { EXIT } from '../exit-codes.ts'
import { tablesField, tablesOf } from '../mapping-tables.ts'
import { paint } from '../output.ts'
import { printable } from '../printable.ts'
import { value } from './plan.ts'

type Options = { against: string; limit?: string; exitCode?: boolean }

export function define(command: Command, makeContext: MakeContext): void {
  command
    .argument('<sync>', 'name of the sync')
    .requiredOption('--against <rev>', 'a revision in git, or the file with the old text')
    .option('--limit <n>', 'records to look at; 10000 unless told')
    .option('--exit-code', 'end with 3 when results differ')
    .action(async (sync: string, options: Options) => {
      const context = makeContext()
      const json = await withApi(context, async (api) => {
        const path = `/api/v1/syncs/${encodeURIComponent(sync)}`
        const { definition } = JSON.parse(await api.call('GET', path)) as { definition: { file: string } | null }
        if (!definition)
          throw new CausewayError('CSW-1007', { what: `The hub no longer has a mapping file for ${sync}.` })
        const file = resolve(context.dir, definition.file)
        const old = await oldVersion(context.dir, file, options.against)
        const young = filesOf(file)
        const [before, after] = [await old.text(), await young.text()]
        const limit = options.limit === undefined ? {} : { limit: countOption(options.limit) }
        return api.call('POST', `${path}/compare`, {
          before,
          after,
          ...tablesField('beforeTables', await tablesOf(before, old.beside)),
          ...tablesField('afterTables', await tablesOf(after, young.beside)),
          ...limit,
        })
      })
      const comparison = parseExact(json) as unknown as MappingComparison
      context.output.result('diff', json, () => comparisonText(sync, comparison))
      if (options.exitCode && comparison.changed) process.exitCode = EXIT.changes
    })
}

/** A mapping file and those beside it, in the folder or at a revision. */
type Version = { text(): Promise<string>; beside(path: string): Promise<string | undefined> }

const filesOf = (file: string): Version => ({
  text: () => readFile(file, 'utf8'),
  beside: (path) => readFile(resolve(dirname(file), path), 'utf8').catch(() => undefined),
})

/** The file at a revision; a name that is a file is that file, with tables beside it or, where it has none, those of the mapping. */
async function oldVersion(dir: string, file: string, against: string): Promise<Version> {
  const given = resolve(dir, against)
  if (statSync(given, { throwIfNoEntry: false })?.isFile()) return filesOf(given)
  // A revision never begins with a dash, so that it cannot be taken for an option.
  if (!/^[\w./~^@{}][\w./~^@{}-]*$/.test(against))
    throw new CausewayError('CSW-8020', { what: `${JSON.stringify(against)} is neither a file nor a revision.` })
  const show = async (path: string) =>
    (await promisify(execFile)('git', ['show', `${against}:./${path}`], { cwd: dirname(file), maxBuffer: MOST_BYTES }))
      .stdout
  return {
    text: () =>
      show(basename(file)).catch((cause: unknown) => {
        throw new CausewayError('CSW-8020', {
          what: `${JSON.stringify(against)} is neither a file nor a revision that has ${file}.`,
          fix: 'Name a commit, branch or tag of this repository, or the file with the old text.',
          cause,
        })
      }),
    beside: (path) => show(path).catch(() => undefined),
  }
}
const MOST_BYTES = 16 * 1024 * 1024

function comparisonText(sync: string, comparison: MappingComparison): string {
  const { records, changed, outcomes, fields, notKept, truncated } = comparison
  const head = `${sync}: ${changed} of ${records} records come out differently${truncated ? ' (there are more)' : ''}${notKept ? `; ${notKept} could not be compared, for they are not kept (CSW-5018)` : ''}`
  return [
    changed ? paint('yellow', head) : head,
    ...Object.entries(outcomes).map(([how, count]) => `  ${how}: ${count}`),
    ...fields.flatMap(({ field, count, samples }) => [
      `  ${field}: ${count}`,
      ...samples.map(({ record, before, after }) => `    ${printable(record)}: ${value(before)} → ${value(after)}`),
    ]),
  ].join('\n')
}
