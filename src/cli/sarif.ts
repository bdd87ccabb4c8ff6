/** Findings in SARIF 2.1.0 (docs.oasis-open.org/sarif/sarif/v2.1.0), which code hosts show at the lines of a change. */
import { pathToFileURL } from 'node:url'
import { errorRegistry, type Finding } from '../core/index.ts'

export function sarif(findings: readonly Finding[], version: string): string {
  const codes = [...new Set(findings.map(({ code }) => code))]
  const log = {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'causeway', version, rules: codes.map(ruleOf) } },
        columnKind: 'utf16CodeUnits',
        results: findings.map((finding) => resultOf(finding, codes)),
      },
    ],
  }
  return JSON.stringify(log, null, 2)
}

function ruleOf(code: Finding['code']) {
  const { meaning, action } = errorRegistry[code]
  return { id: code, shortDescription: { text: meaning }, help: { text: action } }
}

function resultOf({ code, severity, message, fix, place }: Finding, codes: Finding['code'][]) {
  const { file, line, column } = place
  return {
    ruleId: code,
    ruleIndex: codes.indexOf(code),
    level: severity,
    message: { text: `${message} ${fix}`.trim() },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: uriOf(file) },
          ...(line === undefined ? {} : { region: { startLine: line, startColumn: column ?? 1 } }),
        },
      },
    ],
  }
}

/** Relative paths stay relative to where the log is read; an absolute one becomes a file URL. */
const uriOf = (file: string): string =>
  file.startsWith('/') ? pathToFileURL(file).href : file.split(/[\\/]/).map(encodeURIComponent).join('/')
