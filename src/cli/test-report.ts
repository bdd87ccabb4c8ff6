/** What `causeway test` prints: results, coverage, mutants, and the forms that CI servers read. */
import { formatPlace } from '../core/index.ts'
import { type Coverage, type Mutation, percentReached, type TestResult } from '../mapping/index.ts'
import { escapeXml } from './escape-xml.ts'
import { excerpt } from './excerpt.ts'
import { paint } from './output.ts'
import { printable } from './printable.ts'

export function describeTest(result: TestResult, dir: string): string {
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
    .map((line) => `  ${coloured(printable(line))}`)
    .join('\n')

/** `path: expected A, got B`, with the path, what was wanted and what came told apart. Other lines stay as they are. */
const coloured = (line: string): string =>
  line.replace(
    /^(.+?: )?(expected )(.*?)(, got )(.*)$/,
    (_line, path = '', expected, wanted, got, came) =>
      `${paint('bold', path)}${expected}${paint('green', wanted)}${got}${paint('red', came)}`,
  )

export function summary(results: TestResult[], failed: TestResult[]): string {
  if (!results.length) return paint('yellow', 'No tests were found.')
  return `${results.length - failed.length} of ${results.length} tests passed.`
}

export function coverageText({ sync, items }: Coverage, dir: string): string {
  const missed = items.filter(({ reached }) => !reached)
  const head = `${sync}: ${percentReached(items, 'field')} % of fields, ${percentReached(items, 'branch')} % of conditions reached`
  return [
    missed.length ? paint('yellow', head) : head,
    ...missed.flatMap(({ kind, name, place }) => [`  not reached: ${kind} ${name}`, excerpt(place, dir)]),
  ].join('\n')
}

export function mutationText({ sync, made, noticed, survivors }: Mutation, dir: string): string {
  const head = `${sync}: tests notice ${noticed} of ${made} changes`
  return [
    survivors.length ? paint('yellow', head) : head,
    ...survivors.flatMap(({ what, place }) => [`  not noticed: ${printable(what)}`, excerpt(place, dir)]),
  ].join('\n')
}

const reason = (result: TestResult): string =>
  result.difference ?? (result.error ? `${result.error.code}: ${result.error.what}` : 'failed')

export const githubLine = (result: TestResult): string =>
  `::error file=${result.place.file},line=${result.place.line ?? 1}::${`${result.sync} › ${result.name}: ${reason(result)}`.replaceAll('%', '%25').replaceAll('\n', '%0A')}`

/** JUnit as CI servers read it: one suite per sync. */
export function junit(results: TestResult[]): string {
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
