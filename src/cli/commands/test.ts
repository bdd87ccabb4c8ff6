import type { Command } from 'commander'
import { formatPlace } from '../../core/index.ts'
import type { TestResult } from '../../mapping/index.ts'
import { loadAssembly } from '../assembly.ts'
import { excerpt } from '../excerpt.ts'
import { EXIT } from '../exit-codes.ts'
import { demandPaths, findingText } from '../findings.ts'
import { paint } from '../output.ts'
import { printable } from '../printable.ts'
import type { MakeContext } from './index.ts'

export function define(command: Command, makeContext: MakeContext): void {
  command
    .argument('[paths...]', 'mapping files or folders; without them all')
    .option('--filter <text>', 'only tests whose sync or name holds this text')
    .action(async (paths: string[], options: { filter?: string }) => {
      const context = makeContext({ formats: ['human', 'json', 'ndjson', 'junit', 'github'] })
      await demandPaths(context.dir, paths)
      const { checkProject, testProject } = await loadAssembly()
      // A file that cannot be read has no tests that could fail, so its faults must be said here.
      const broken = (await checkProject({ dir: context.dir, paths })).findings.filter(
        ({ severity }) => severity === 'error',
      )
      const all = await testProject({ dir: context.dir, paths })
      const wanted = options.filter
      const results = wanted === undefined ? all : all.filter(({ sync, name }) => `${sync} ${name}`.includes(wanted))
      const failed = results.filter((result) => !result.ok)
      const { format } = context.output
      if (format === 'junit') context.output.text(junit(results))
      else if (format === 'github') context.output.text(failed.map(githubLine).join('\n'))
      else
        context.output.result(
          'test',
          JSON.stringify({ ok: !failed.length, total: results.length, failed: failed.length, items: results }),
          () => [...results.map((result) => describe(result, context.dir)), summary(results, failed)].join('\n'),
        )
      for (const finding of broken) context.output.note(findingText(finding, context.dir))
      if (broken.length) process.exitCode = EXIT.config
      else if (failed.length) process.exitCode = EXIT.failed
    })
}

function describe(result: TestResult, dir: string): string {
  const title = `${result.sync} › ${printable(result.name)}`
  if (result.ok) return `${paint('green', '✓')} ${title}`
  return [
    `${paint('red', '✗')} ${title}`,
    excerpt(result.place, dir),
    ...(result.error
      ? [`  ${result.error.code}: ${printable(result.error.what)}`, `  fix: ${printable(result.error.fix)}`]
      : []),
    ...(result.difference ? [indent(result.difference)] : []),
  ].join('\n')
}

const indent = (text: string): string =>
  text
    .split('\n')
    .map((line) => `  ${printable(line)}`)
    .join('\n')

function summary(results: TestResult[], failed: TestResult[]): string {
  if (!results.length) return paint('yellow', 'No tests were found.')
  return `${results.length - failed.length} of ${results.length} tests passed.`
}

const reason = (result: TestResult): string =>
  result.difference ?? (result.error ? `${result.error.code}: ${result.error.what}` : 'failed')

const githubLine = (result: TestResult): string =>
  `::error file=${result.place.file},line=${result.place.line ?? 1}::${`${result.sync} › ${result.name}: ${reason(result)}`.replaceAll('%', '%25').replaceAll('\n', '%0A')}`

/** JUnit as CI servers read it: one suite per sync. */
function junit(results: TestResult[]): string {
  const suites = Map.groupBy(results, (result) => result.sync)
  const xml = [...suites].map(([sync, cases]) => {
    const failures = cases.filter((each) => !each.ok).length
    const inner = cases.map((each) =>
      each.ok
        ? `    <testcase classname="${escapeXml(sync)}" name="${escapeXml(each.name)}"/>`
        : `    <testcase classname="${escapeXml(sync)}" name="${escapeXml(each.name)}" file="${escapeXml(formatPlace(each.place))}"><failure message="${escapeXml(reason(each).split('\n')[0] ?? '')}">${escapeXml(reason(each))}</failure></testcase>`,
    )
    return `  <testsuite name="${escapeXml(sync)}" tests="${cases.length}" failures="${failures}">\n${inner.join('\n')}\n  </testsuite>`
  })
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${xml.join('\n')}\n</testsuites>`
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
// XML 1.0 has no way to write most control characters, not even escaped.
const CONTROLS = /[^\t\n\r\u0020-\ufffd]/g
const escapeXml = (text: string): string =>
  text
    .toWellFormed()
    .replace(CONTROLS, '\ufffd')
    .replace(/[&<>"]/g, (char) => ESCAPES[char]!)
