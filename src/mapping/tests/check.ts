import type { Finding, YamlFile, YamlPath } from '../../core/index.ts'
import { compileExpression } from '../../expression/index.ts'
import { mappingFunctions } from '../prepare.ts'
import type { MappingFile, TestCase } from '../schema.ts'
import { INSERT, unrolled } from './table.ts'

/** What is wrong with the tests of a mapping file as text: data that is no JSON, joins that do not exist, clashing wishes. */
export function testFindings(content: MappingFile, yaml: YamlFile): Finding[] {
  const findings: Finding[] = []
  const report = (path: YamlPath, message: string, fix: string) =>
    findings.push({ severity: 'error', code: 'CSW-1005', message, fix, place: yaml.placeOf(path) })
  for (const [i, test] of (content.tests ?? []).entries()) {
    const at = ['tests', i]
    const rows = test.table ? test.table.map((row, r) => unrolled(test, row, r)) : [test]
    for (const row of rows) findings.push(...textFindings(row, at, yaml))
    for (const name of Object.keys(test.given.with ?? {}))
      if (!Object.hasOwn(content.with ?? {}, name))
        report(
          [...at, 'given', 'with', name],
          `there is no join "${name}"`,
          'Give data for the joins under "with" only.',
        )
    findings.push(...tableFindings(test, at, yaml))
    if (test.back && content.both === undefined && content.back === undefined)
      report(
        [...at, 'back'],
        'this mapping has no way back',
        'Remove "back", or add the fields under "back" or "both".',
      )
    const kinds = Object.keys(test.expect)
    if (kinds.length > 1 && (test.expect.filtered || test.expect.error))
      report([...at, 'expect'], `${kinds.join(' and ')} exclude each other`, 'Make two tests of it.')
    if (content.each && (test.expect.equals ?? test.expect.contains) !== undefined)
      report([...at, 'expect'], 'a mapping with "each" gives parts', 'Expect "parts:" with one object per part key.')
  }
  return findings
}

/** Texts that are not what they stand for: JSON, times, patterns, expressions. */
function textFindings(test: TestCase, at: YamlPath, yaml: YamlFile): Finding[] {
  const findings: Finding[] = []
  for (const [path, text] of jsonTexts(test)) {
    const fault = faultOf(() => JSON.parse(text))
    const fix = 'Write a YAML object, or valid JSON.'
    if (fault) findings.push(wrong(`this text is not JSON: ${fault}`, yaml.placeOf([...at, ...path]), fix))
  }
  const { now } = test.given
  if (now !== undefined && Number.isNaN(Date.parse(now)))
    findings.push(
      wrong(`"${now}" is not a time`, yaml.placeOf([...at, 'given', 'now']), 'Write e.g. 2026-01-31T12:00:00Z.'),
    )
  return [...findings, ...expectationFindings(test, at, yaml)]
}

function expectationFindings({ expect }: TestCase, at: YamlPath, yaml: YamlFile): Finding[] {
  const findings: Finding[] = []
  for (const [path, pattern] of Object.entries(expect.matches ?? {})) {
    const fault = faultOf(() => new RegExp(pattern, 'u'))
    if (fault)
      findings.push(wrong(`this is no regular expression: ${fault}`, yaml.placeOf([...at, 'expect', 'matches', path])))
  }
  const listed = Array.isArray(expect.jsonata)
  for (const [i, source] of [expect.jsonata ?? []].flat().entries()) {
    const path = listed ? [...at, 'expect', 'jsonata', i] : [...at, 'expect', 'jsonata']
    const fault = faultOf(() =>
      compileExpression(source, {
        functions: mappingFunctions,
        placeOf: (offset) => yaml.placeInScalar(path, offset),
      }),
    )
    if (fault) findings.push(wrong(fault, yaml.placeOf(path)))
  }
  return findings
}

/** Inserts of a table must have a column in every row. */
function tableFindings(test: TestCase, at: YamlPath, yaml: YamlFile): Finding[] {
  const { table, ...rest } = test
  const used = new Set([...JSON.stringify(rest).matchAll(INSERT)].map(([, name]) => name!))
  return (table ?? []).flatMap((row, r) =>
    [...used]
      .filter((name) => !Object.hasOwn(row, name))
      .map((name) =>
        wrong(
          `this row has no "${name}", which the test inserts`,
          yaml.placeOf([...at, 'table', r]),
          'Give every row a value for it; null counts.',
        ),
      ),
  )
}

const wrong = (message: string, place: Finding['place'], fix = 'Correct it.'): Finding => ({
  severity: 'error',
  code: 'CSW-1005',
  message,
  fix,
  place,
})

function faultOf(work: () => unknown): string | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

function jsonTexts({ given, expect }: TestCase): [YamlPath, string][] {
  const candidates: [YamlPath, unknown][] = [
    [['given', 'body'], given.body],
    ...Object.entries(given.with ?? {}).map(([name, value]): [YamlPath, unknown] => [['given', 'with', name], value]),
    [['expect', 'equals'], expect.equals],
    [['expect', 'contains'], expect.contains],
    ...Object.entries(expect.parts ?? {}).map(([key, value]): [YamlPath, unknown] => [['expect', 'parts', key], value]),
  ]
  return candidates.filter((candidate): candidate is [YamlPath, string] => typeof candidate[1] === 'string')
}
