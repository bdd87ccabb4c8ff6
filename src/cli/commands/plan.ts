import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { parseExact } from '../../core/index.ts'
import type { MappingComparison, Plan } from '../../http/index.ts'
import { type Api, withApi } from '../api.ts'
import { loadAssembly } from '../assembly.ts'
import {
  type ConfigurationChange,
  configurationChanges,
  configurationText,
  type PlannedItem,
} from '../configuration-plan.ts'
import type { CliContext, MakeContext } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { paint, type Style } from '../output.ts'
import { printable } from '../printable.ts'
import { usageError } from '../report-error.ts'
import { chosenSyncs, SELECT } from '../selection.ts'

type Options = {
  select?: string
  record?: string[]
  limit?: string
  all?: boolean
  mapping?: string
  out?: string
  exitCode?: boolean
}

/** Actions that would change the target. */
export const WRITES = ['create', 'update', 'upsert', 'delete']

export function define(command: Command, makeContext: MakeContext): void {
  command
    .argument('[sync]', 'name of the sync; without one, what changed in the files since what the hub works with')
    .option(...SELECT)
    .option('--record <id...>', 'only these source records')
    .option('--limit <n>', 'records to look at; 10000 unless told')
    .option('--all', 'list what would stay as it is too')
    .option('--mapping <file>', 'plan this text of the mapping instead of the one that runs')
    .option('--out <file>', 'keep the plan in a file')
    .option('--exit-code', 'end with 3 when something would be written')
    .action(async (sync: string | undefined, options: Options) => {
      const context = makeContext()
      if (sync === undefined && options.select === undefined) return await planConfiguration(context, options)
      const syncs = await chosenSyncs(context.dir, sync, options.select)
      if (options.select !== undefined && (options.out ?? options.mapping ?? options.record) !== undefined)
        throw usageError('--out, --mapping and --record belong to one sync.', 'Name the sync instead of --select.')
      const body = {
        ...(options.record ? { records: options.record } : {}),
        ...(options.limit === undefined ? {} : { limit: countOption(options.limit) }),
        ...(options.all ? { all: true } : {}),
        ...(options.mapping ? { mapping: await readFile(resolve(context.dir, options.mapping), 'utf8') } : {}),
      }
      const texts = await withApi(context, async (api) => {
        const made: string[] = []
        for (const name of syncs)
          made.push(await api.call('POST', `/api/v1/syncs/${encodeURIComponent(name)}/plan`, body))
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

/** Recorded inputs that go through the former and the new text of a changed mapping. */
const EFFECT_RECORDS = 1_000

async function planConfiguration(context: CliContext, options: Options): Promise<void> {
  if ((options.out ?? options.mapping ?? options.record) !== undefined || options.all)
    throw usageError('--out, --mapping, --record and --all belong to one sync.', 'Name the sync.')
  const after = await (await loadAssembly()).folderConfiguration(context.dir)
  const limit = options.limit === undefined ? EFFECT_RECORDS : countOption(options.limit)
  const changes = await withApi(context, async (api) => {
    const { items: before } = JSON.parse(await api.call('GET', '/api/v1/configuration')) as { items: PlannedItem[] }
    const found = configurationChanges(before, after)
    for (const change of found) {
      const texts = [before, after].map(
        (items) => items.find(({ kind, name }) => kind === change.kind && name === change.name)?.source,
      )
      const effect = await effectOf(api, change, texts, limit)
      if (effect) change.effect = effect
    }
    return found
  })
  context.output.result('plan', JSON.stringify({ configuration: changes }), () => configurationText(changes))
  if (options.exitCode && changes.length > 0) process.exitCode = EXIT.changes
}

/** A mapping between the same streams whose rules changed: what its former and its new text make of the recorded inputs. */
async function effectOf(
  api: Api,
  { name, fields }: ConfigurationChange,
  [before, after]: (string | null | undefined)[],
  limit: number,
): Promise<MappingComparison | undefined> {
  const changed = new Set(fields.map(({ field }) => field))
  if (!changed.has('mapping') || changed.has('from') || changed.has('to') || !before || !after) return undefined
  const path = `/api/v1/syncs/${encodeURIComponent(name)}/compare`
  return JSON.parse(await api.call('POST', path, { before, after, limit })) as MappingComparison
}

export function countOption(text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1) throw usageError(`${JSON.stringify(text)} is no count of records.`)
  return count
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
