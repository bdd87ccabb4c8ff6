/** What `connectors test` says: a table of checks, JSON, or JUnit. */
import type { CheckResult, Report, SpecReport } from '../conformance/index.ts'
import { escapeXml } from './escape-xml.ts'
import { type Output, paint, type Style } from './output.ts'
import { table } from './table.ts'

const COLOURS: Record<CheckResult['outcome'], Style> = {
  passed: 'green',
  failed: 'red',
  waived: 'yellow',
  skipped: 'dim',
}

export function sayReports(output: Output, reports: Report[]): void {
  if (output.format === 'junit') {
    output.text(junit(reports))
    return
  }
  const ok = reports.every((report) => report.ok)
  output.result('connectors.test', JSON.stringify({ ok, items: reports }), () => reports.map(describe).join('\n\n'))
}

function describe({ connector, checks, requests, ms }: Report): string {
  const rows = checks
    .filter(({ outcome }) => outcome !== 'skipped')
    .map(({ stream, check, outcome, detail }) => [
      stream ?? '',
      check,
      { text: outcome, style: COLOURS[outcome] },
      detail,
    ])
  const counts = Object.entries(Object.groupBy(checks, ({ outcome }) => outcome)).map(
    ([outcome, those]) => `${those.length} ${outcome}`,
  )
  return `${paint('bold', connector)}\n${table(['stream', 'check', 'outcome', 'what was seen'], rows, 'No checks.')}\n${counts.join(', ')}; ${requests} requests in ${ms} ms`
}

function junit(reports: Report[]): string {
  const suites = reports.map(({ connector, checks }) => {
    const cases = checks.map(({ stream, check, outcome, detail, ms }) => {
      const inner =
        outcome === 'failed'
          ? `<failure message="${escapeXml(detail.split('\n')[0] ?? '')}">${escapeXml(detail)}</failure>`
          : outcome === 'passed'
            ? ''
            : `<skipped message="${escapeXml(detail)}"/>`
      return `    <testcase classname="${escapeXml(`${connector}.${stream ?? 'connector'}`)}" name="${escapeXml(check)}" time="${ms / 1000}">${inner}</testcase>`
    })
    const failures = checks.filter(({ outcome }) => outcome === 'failed').length
    return `  <testsuite name="${escapeXml(connector)}" tests="${checks.length}" failures="${failures}">\n${cases.join('\n')}\n  </testsuite>`
  })
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join('\n')}\n</testsuites>`
}

const VERDICTS = { checked: 'green', unknown: 'yellow', wrong: 'red' } as const

/** What a vendor's description says of a connector: all that is wrong or unknown, then the counts. */
export function saySpec(output: Output, report: SpecReport): void {
  output.result('connectors.spec', JSON.stringify(report), () => {
    const rows = report.rows
      .filter(({ verdict }) => verdict !== 'checked')
      .map(({ place, what, name, verdict, detail }) => [
        { text: verdict, style: VERDICTS[verdict] },
        what,
        name,
        detail,
        place,
      ])
    const { checked, unknown, wrong } = report.counts
    const share = Math.floor((100 * checked) / Math.max(1, report.rows.length))
    return `${table(['verdict', 'what', 'name', 'why', 'place'], rows, 'Nothing is wrong or unknown.')}\n${checked} checked (${share} %), ${unknown} unknown, ${wrong} wrong`
  })
}
