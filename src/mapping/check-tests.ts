import type { Finding, YamlFile, YamlPath } from '../core/index.ts'
import type { MappingFile, TestCase } from './schema.ts'

/** What is wrong with the tests of a mapping file as text: data that is no JSON, joins that do not exist, clashing wishes. */
export function testFindings(content: MappingFile, yaml: YamlFile): Finding[] {
  const findings: Finding[] = []
  const report = (path: YamlPath, message: string, fix: string) =>
    findings.push({ severity: 'error', code: 'CSW-1005', message, fix, place: yaml.placeOf(path) })
  for (const [i, test] of (content.tests ?? []).entries()) {
    const at = ['tests', i]
    for (const [path, text] of jsonTexts(test)) {
      const fault = jsonFault(text)
      if (fault) report([...at, ...path], `this text is not JSON: ${fault}`, 'Write a YAML object, or valid JSON.')
    }
    for (const name of Object.keys(test.given.with ?? {}))
      if (!Object.hasOwn(content.with ?? {}, name))
        report(
          [...at, 'given', 'with', name],
          `there is no join "${name}"`,
          'Give data for the joins under "with" only.',
        )
    if (test.given.now !== undefined && Number.isNaN(Date.parse(test.given.now)))
      report([...at, 'given', 'now'], `"${test.given.now}" is not a time`, 'Write e.g. 2026-01-31T12:00:00Z.')
    const kinds = Object.keys(test.expect)
    if (kinds.length > 1 && (test.expect.filtered || test.expect.error))
      report([...at, 'expect'], `${kinds.join(' and ')} exclude each other`, 'Make two tests of it.')
    if (content.each && (test.expect.equals ?? test.expect.contains) !== undefined)
      report([...at, 'expect'], 'a mapping with "each" gives parts', 'Expect "parts:" with one object per part key.')
  }
  return findings
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

function jsonFault(text: string): string | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
