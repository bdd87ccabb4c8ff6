import type { Command } from 'commander'
import { percentReached, type SuiteResult } from '../../mapping/index.ts'
import { loadAssembly, type Tests } from '../assembly.ts'
import type { CliContext, MakeContext } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { demandPaths, findingText } from '../findings.ts'
import { reportError, usageError } from '../report-error.ts'
import { chosenPaths, SELECT } from '../selection.ts'
import { coverageText, describeTest, githubLine, junit, mutationText, summary } from '../test-report.ts'
import { watchMappings } from '../watch-mappings.ts'

type Options = {
  select?: string
  filter?: string
  coverage?: boolean
  minCoverage?: string
  update?: boolean
  mutate?: boolean
  watch?: boolean
}

export function define(command: Command, makeContext: MakeContext): void {
  command
    .argument('[paths...]', 'mapping files or folders; without them all')
    .option('--filter <text>', 'only tests whose sync or name holds this text')
    .option(...SELECT)
    .option('--coverage', 'which target fields and conditions no test reaches')
    .option('--min-coverage <percent>', 'fail when less than this share of fields or of conditions is reached')
    .option('--update', 'write snapshots anew')
    .option('--mutate', 'change the mappings in small ways and list the changes that no test notices')
    .option('--watch', 'run again what an edit touches')
    .action(async (given: string[], options: Options) => {
      const context = makeContext({ formats: ['human', 'json', 'ndjson', 'junit', 'github'] })
      const least = percentOption(options.minCoverage)
      await demandPaths(context.dir, given)
      const { openTests } = await loadAssembly()
      const paths = await chosenPaths(context.dir, given, options.select)
      const tests = openTests({ dir: context.dir, paths })
      try {
        const round = async (touched?: (file: string) => boolean): Promise<void> => {
          process.exitCode = await runOnce(tests, context, options, least, touched)
        }
        if (!options.watch) return await round()
        await watchMappings(context.dir, round, (thrown) => {
          process.exitCode = reportError(thrown, { format: context.output.format, dir: context.dir })
        })
      } finally {
        await tests.close()
      }
    })
}

function percentOption(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const percent = Number(text)
  if (!(percent >= 0 && percent <= 100))
    throw usageError(`--min-coverage ${JSON.stringify(text)} is no share in percent.`, 'Give a number from 0 to 100.')
  return percent
}

async function runOnce(
  tests: Tests,
  { dir, output }: CliContext,
  options: Options,
  least: number | undefined,
  only?: (file: string) => boolean,
): Promise<number> {
  const { update, mutate, filter } = options
  const { suites, findings } = await tests.run({ ...(update ? { update } : {}), ...(mutate ? { mutate } : {}) }, only)
  const all = suites.flatMap((suite) => suite.results)
  const results = filter === undefined ? all : all.filter(({ sync, name }) => `${sync} ${name}`.includes(filter))
  const failed = results.filter((result) => !result.ok)
  const thin = least === undefined ? [] : suites.filter((suite) => leastReached(suite) < least)
  const showCoverage = options.coverage || least !== undefined
  if (output.format === 'junit') output.text(junit(results))
  else if (output.format === 'github') output.text(failed.map(githubLine).join('\n'))
  else
    output.result('test', JSON.stringify(asJson(suites, results, failed.length, showCoverage === true)), () =>
      [
        ...results.map((result) => describeTest(result, dir)),
        ...(showCoverage ? suites.map((suite) => coverageText(suite.coverage, dir)) : []),
        ...suites.flatMap(({ mutation }) => (mutation ? [mutationText(mutation, dir)] : [])),
        summary(results, failed),
      ].join('\n'),
    )
  for (const finding of findings) output.note(findingText(finding, dir))
  for (const { coverage } of thin) output.note(`${coverage.sync}: less than ${least} % is reached by tests`)
  if (findings.length) return EXIT.config
  return failed.length || thin.length ? EXIT.failed : EXIT.ok
}

const leastReached = ({ coverage }: SuiteResult): number =>
  Math.min(percentReached(coverage.items, 'field'), percentReached(coverage.items, 'branch'))

function asJson(suites: SuiteResult[], results: SuiteResult['results'], failed: number, showCoverage: boolean) {
  const mutations = suites.flatMap(({ mutation }) => (mutation ? [mutation] : []))
  return {
    ok: failed === 0,
    total: results.length,
    failed,
    items: results,
    ...(showCoverage ? { coverage: suites.map(({ coverage }) => coverage) } : {}),
    ...(mutations.length ? { mutation: mutations } : {}),
  }
}
