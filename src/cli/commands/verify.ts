import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { parseExact } from '../../core/index.ts'
import type { Verification } from '../../http/index.ts'
import { withApi } from '../api.ts'
import type { MakeContext } from '../context.ts'
import { countOption } from '../count-option.ts'
import { EXIT } from '../exit-codes.ts'
import { paint } from '../output.ts'
import { printable } from '../printable.ts'
import { value } from './plan.ts'

type Options = {
  record?: string[]
  sample?: string
  seed?: string
  extra?: boolean
  limit?: string
  out?: string
  exitCode?: boolean
}

/** What is not as it should be. */
const DIFFERS = ['missing', 'stale', 'diverged']

export function define(command: Command, makeContext: MakeContext): void {
  command
    .argument('<sync>', 'name of the sync')
    .option('--record <id...>', 'only these source records')
    .option('--sample <n>', 'so many records chosen by chance')
    .option('--seed <text>', 'chooses them; the same seed chooses the same ones')
    .option('--extra', 'read all of the target and count what no source record stands for')
    .option('--limit <n>', 'records to look at; 10000 unless told')
    .option('--out <file>', 'keep what would repair it, for `causeway apply`')
    .option('--exit-code', 'end with 3 when something differs')
    .action(async (sync: string, options: Options) => {
      const context = makeContext()
      const body = {
        ...(options.record ? { records: options.record } : {}),
        ...(options.sample === undefined ? {} : { sample: countOption(options.sample) }),
        ...(options.seed === undefined ? {} : { seed: options.seed }),
        ...(options.extra ? { extra: true } : {}),
        ...(options.limit === undefined ? {} : { limit: countOption(options.limit) }),
      }
      const json = await withApi(context, (api) =>
        api.call('POST', `/api/v1/syncs/${encodeURIComponent(sync)}/verify`, body),
      )
      if (options.out !== undefined) await writeFile(resolve(context.dir, options.out), `${json}\n`)
      const verification = parseExact(json) as unknown as Verification
      context.output.result('verify', json, () => verificationText(verification))
      if (options.exitCode && differing(verification) > 0) process.exitCode = EXIT.changes
    })
}

const differing = ({ findings, extra }: Verification): number =>
  DIFFERS.reduce((sum, finding) => sum + (findings[finding] ?? 0), extra?.extra ?? 0)

function verificationText(verification: Verification): string {
  const { sync, version, findings, fields, extra, reads, truncated, changes } = verification
  const sums = Object.entries(findings).flatMap(([finding, count]) => (count ? [`${count} ${finding}`] : []))
  const head = `${sync}, mapping ${version.slice(0, 12)}: ${sums.join(', ') || 'no records'}`
  const rest = truncated ? '; there are more records, see --limit' : ''
  return [
    paint(differing(verification) ? 'yellow' : 'green', head),
    ...fields.flatMap(fieldText),
    ...changes
      .filter(({ action, error }) => action !== 'update' || error)
      .map(missingText)
      .slice(0, 20),
    ...(extra ? [extraText(extra)] : []),
    `${reads} reads of the target${rest}`,
  ].join('\n')
}

function fieldText({ field, stale, diverged, waiting, unseen, samples }: Verification['fields'][number]): string[] {
  const counts = Object.entries({ stale, diverged, waiting, 'not shown by the target': unseen }).flatMap(
    ([what, count]) => (count ? [`${count} ${what}`] : []),
  )
  return [
    `  ${printable(field)}: ${counts.join(', ')}`,
    ...samples.map(
      ({ record, target, source, there }) =>
        `    ${printable(`${record} → ${target}`)}: ${value(there)} there, ${value(source)} from the source`,
    ),
  ]
}

function missingText({ record, part, target, error, action }: Verification['changes'][number]): string {
  const what = error
    ? `${error.code}: ${error.what}`
    : action === 'delete'
      ? 'should have left the target'
      : 'not there yet'
  return `  ${printable(`${record}${part ? ` part ${part}` : ''}${target === null ? '' : ` → ${target}`}: ${what}`)}`
}

function extraText({ read, extra, samples }: NonNullable<Verification['extra']>): string {
  const some = samples.length ? `: ${samples.map(printable).join(', ')}${extra > samples.length ? ', …' : ''}` : ''
  return `  ${extra} of ${read} records of the target belong to no source record${some}`
}
