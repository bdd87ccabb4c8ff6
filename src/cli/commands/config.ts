import type { Command } from 'commander'
import type { ExplainedValue } from '../../config/index.ts'
import { nearestName } from '../../core/index.ts'
import { loadAssembly } from '../assembly.ts'
import { compareVersions, type ListOptions, listVersions, showMapping, showVersion } from '../configuration-versions.ts'
import type { CliContext, MakeContext } from '../context.ts'
import { usageError } from '../report-error.ts'
import { addSettingFlags, type SettingFlags, settingFlags } from '../setting-flags.ts'
import { table } from '../table.ts'

export function define(command: Command, makeContext: MakeContext): void {
  addSettingFlags(command.command('explain'))
    .description('each value that the hub folder gives, and where it came from')
    .argument(
      '[key]',
      'only this one, or what begins with it: `port`, `connections.crm`, `connections.crm.settings.url`',
    )
    .action((key: string | undefined, options: Record<string, unknown>) =>
      explain(makeContext(), key, settingFlags(options)),
    )

  command
    .command('versions')
    .description('the configurations that came into force, newest first; * is the one in force')
    .option('--sync <name>', 'only those that had this sync')
    .option('--mapping <version>', 'only those that had this version of a mapping, as a run names it')
    .option('--limit <number>', 'how many (50)')
    .option('--cursor <cursor>', 'where the page before ended')
    .action((options: ListOptions) => listVersions(makeContext(), options))

  command
    .command('show')
    .description('a version with what changed in it and its files; with PATH that file as it stood')
    .argument('<version>', 'its number')
    .argument('[path]', 'a file, from the hub folder: `mappings/contacts.yaml`')
    .action((version: string, path: string | undefined) => showVersion(makeContext(), version, path))

  command
    .command('diff')
    .description('the files that differ between two versions, line by line')
    .argument('<version>', 'number of the one before')
    .argument('[other]', 'number of the one after; the one in force unless told')
    .action((version: string, other: string | undefined) => compareVersions(makeContext(), version, other))

  command
    .command('mapping')
    .description('the versions that the mapping of a sync had; with VERSION its text')
    .argument('<sync>', 'name of the sync')
    .argument('[version]', 'as runs and deliveries name it')
    .option('--limit <number>', 'how many (50)')
    .option('--cursor <cursor>', 'where the page before ended')
    .action((sync: string, version: string | undefined, options: Pick<ListOptions, 'limit' | 'cursor'>) =>
      showMapping(makeContext(), sync, version, options),
    )
}

async function explain({ dir, output }: CliContext, key: string | undefined, flags: SettingFlags): Promise<void> {
  const { checkHub, explainHub } = await import('../../config/index.ts')
  const { throwOnErrors } = await import('../../core/index.ts')
  const { checkingEnvironment } = await loadAssembly()
  const hub = await checkHub({ folder: dir, flags, env: await checkingEnvironment(dir, process.env) })
  throwOnErrors(hub.findings)
  const items = chosen(explainHub(hub), key)
  output.result('config.explain', JSON.stringify({ environment: hub.environment, items }), () =>
    [
      ...(hub.environment === null ? [] : [`Environment ${hub.environment}`, '']),
      table(
        ['key', 'value', 'from', 'where'],
        items.map(({ key: name, value, from, where }) => [name, text(value), from, where ?? '']),
        'Nothing is said.',
      ),
    ].join('\n'),
  )
}

const text = (value: ExplainedValue['value']): string =>
  value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value)

/** Settings may be named without their section. */
function chosen(items: ExplainedValue[], key: string | undefined): ExplainedValue[] {
  if (key === undefined) return items
  const found = items.filter((item) =>
    [key, `hub.${key}`].some((one) => item.key === one || item.key.startsWith(`${one}.`)),
  )
  if (found.length > 0) return found
  const near = nearestName(
    key,
    items.flatMap((item) => [item.key, item.key.replace(/^hub\./, '')]),
  )
  throw usageError(
    `Nothing is called ${JSON.stringify(key)}.`,
    near ? `Did you mean "${near}"?` : 'Leave it out to see all.',
  )
}
