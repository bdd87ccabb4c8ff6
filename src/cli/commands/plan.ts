import { readFile, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Command } from 'commander'
import { parseExact } from '../../core/index.ts'
import type { Plan } from '../../http/index.ts'
import { withApi } from '../api.ts'
import type { MakeContext } from '../context.ts'
import { countOption } from '../count-option.ts'
import { EXIT } from '../exit-codes.ts'
import { tablesField, tablesOf } from '../mapping-tables.ts'
import { paint, type Style } from '../output.ts'
import { planConfiguration } from '../plan-configuration.ts'
import { printable } from '../printable.ts'
import { usageError } from '../report-error.ts'
import { saveTests } from '../save-tests.ts'
import { chosenSyncs, SELECT } from '../selection.ts'

type Options = {
  select?: string
  record?: string[]
  limit?: string
  all?: boolean
  mapping?: string
  out?: string
  exitCode?: boolean
  save?: boolean
  to?: string
  keep?: string[]
}

/** Actions that would change the target. */
export const WRITES = ['create', 'update', 'upsert', 'delete']

export function define(command: Command, makeContext: MakeContext): void {
  command
    .argument('[sync]', 'name of the sync; without one, what changed in the files since what the hub works with')
    .option(...SELECT)
    .option('--record <id...>', 'only these source records')
    .option('--limit <n>', 'records to look at, 10000 unless told; of the configuration the last 1000')
    .option('--all', 'list what would stay as it is too')
    .option('--mapping <file>', 'plan this text of the mapping instead of the one that runs')
    .option('--out <file>', 'keep the plan in a file, for `causeway apply`')
    .option(
      '--save',
      `save the records as tests beside the mapping, secrets and personal data replaced; at most ${MOST_SAVED}`,
    )
    .option('--keep <field...>', 'with --save: fields whose values may stay as they are')
    .option('--to <version>', 'plan going back to this version of the configuration, as `config versions` lists it')
    .option('--exit-code', 'end with 3 when something would be written or changed')
    .action(async (sync: string | undefined, options: Options) => {
      const context = makeContext()
      if (sync === undefined && options.select === undefined) {
        if ((options.mapping ?? options.record) !== undefined || options.all || options.save)
          throw usageError('--mapping, --record, --all and --save belong to one sync.', 'Name the sync.')
        return await planConfiguration(context, options)
      }
      if (options.to !== undefined)
        throw usageError('--to belongs to the whole configuration.', 'Leave out the sync and --select.')
      const syncs = await chosenSyncs(context.dir, sync, options.select)
      if (
        options.select !== undefined &&
        (options.out ?? options.mapping ?? options.record ?? options.save) !== undefined
      )
        throw usageError(
          '--out, --mapping, --record and --save belong to one sync.',
          'Name the sync instead of --select.',
        )
      const body = {
        ...(options.record ? { records: options.record } : {}),
        ...(options.limit === undefined ? {} : { limit: countOption(options.limit) }),
        ...(options.all ? { all: true } : {}),
        ...(options.mapping ? await candidate(resolve(context.dir, options.mapping)) : {}),
      }
      const texts = await withApi(context, async (api) => {
        const made: string[] = []
        for (const name of syncs)
          made.push(await api.call('POST', `/api/v1/syncs/${encodeURIComponent(name)}/plan`, body))
        if (options.save) await saveTests(context, api, toSave(made, options))
        return made
      })
      // As the API wrote them: numbers keep their spelling.
      const json = sync === undefined ? `{"items":[${texts.join(',')}]}` : texts[0]!
      if (options.out !== undefined) await writeFile(resolve(context.dir, options.out), `${json}\n`)
      const plans = texts.map((text) => parseExact(text) as unknown as Plan)
      context.output.result('plan', json, () => plans.map(planText).join('\n\n') || 'No sync is selected.')
      const writes = plans.some(({ actions }) => WRITES.some((action) => actions[action]))
      if (options.exitCode && writes) process.exitCode = EXIT.changes
    })
}

/** The text of a mapping, and of the table files beside it. */
async function candidate(file: string): Promise<object> {
  const mapping = await readFile(file, 'utf8')
  const beside = (path: string) => readFile(resolve(dirname(file), path), 'utf8').catch(() => undefined)
  return { mapping, ...tablesField('tables', await tablesOf(mapping, beside)) }
}

/** More tests of one kind say nothing new. */
const MOST_SAVED = 20

/** The records asked for, or those that the plan lists. */
function toSave([text]: string[], { record, keep }: Options): Parameters<typeof saveTests>[2] {
  const { sync, changes } = JSON.parse(text!) as Plan
  const records = [...new Set(record ?? changes.map((change) => change.record))].slice(0, MOST_SAVED)
  return { sync, records, ...(keep ? { keep } : {}) }
}

const MARKS: Record<string, [string, Style]> = {
  create: ['+', 'green'],
  upsert: ['±', 'green'],
  update: ['~', 'yellow'],
  delete: ['-', 'red'],
  dead: ['!', 'red'],
}

function planText(plan: Plan): string {
  const sums = Object.entries(plan.actions).map(([action, count]) => `${count} ${action}`)
  const rest = plan.truncated ? '; there are more records, see --limit' : ''
  const writes = WRITES.reduce((sum, action) => sum + (plan.actions[action] ?? 0), 0)
  return [
    `${plan.sync}, mapping ${plan.version.slice(0, 12)}: ${writes} records of the target would be written`,
    ...plan.changes.map(changeText),
    `${sums.join(', ') || 'no records'}; ${plan.reads} reads of the target${rest}`,
  ].join('\n')
}

function changeText(change: Plan['changes'][number]): string {
  const [mark, style] = MARKS[change.action] ?? ['·', 'dim']
  const target = change.target === null ? '' : ` → ${change.target}`
  const how = Array.isArray(change.matched) ? ` (found by ${change.matched.join(' and ')})` : ''
  const part = change.part ? ` part ${change.part}` : ''
  const head = paint(style, `${mark} ${change.action}`)
  return [
    `${head} ${printable(`${change.record}${part}${target}${how}`)}`,
    ...(change.error ? [`    ${change.error.code}: ${printable(change.error.what)}`] : []),
    ...change.fields.map(({ field, before, after }) =>
      change.action === 'update' ? `    ${field}: ${value(before)} → ${value(after)}` : `    ${field}: ${value(after)}`,
    ),
  ].join('\n')
}

export const value = (json: unknown): string => {
  const text = JSON.stringify(json) ?? 'null'
  return printable(text.length > 100 ? `${text.slice(0, 99)}…` : text)
}
