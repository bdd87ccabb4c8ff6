/** The tests of a mapping: those in its file and those in `*.test.yaml` beside it, tables unrolled. */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import {
  asCausewayError,
  compileSchema,
  type Finding,
  hasErrors,
  parseYaml,
  validateYaml,
  type YamlFile,
  type YamlPath,
} from '../../core/index.ts'
import type { Mapping } from '../read.ts'
import { type MappingFile, type TestCase, testFileSchema } from '../schema.ts'
import { testFindings } from './check.ts'
import { unrolled } from './table.ts'

/** One test to run, with its place. */
export type SuiteCase = { test: TestCase; yaml: YamlFile; path: YamlPath }

/** `contacts.test.yaml` holds further tests of `contacts.yaml`. */
const testFileOf = (mappingFile: string): string => mappingFile.replace(/\.ya?ml$/, '.test.yaml')

/**
 * All tests of a mapping (of its direction, where there are two), in the order of the files. Findings hold what is wrong with the file beside it; the mapping's own
 * tests were checked with the mapping.
 */
export function suiteOf(mapping: Mapping, dir = '.'): { cases: SuiteCase[]; findings: Finding[] } {
  const back = mapping.definition.twoWay?.direction === 'back'
  const casesOf = (tests: TestCase[] | undefined, yaml: YamlFile): SuiteCase[] =>
    allCasesOf(tests, yaml).filter(({ test }) => (test.back ?? false) === back)
  const own = casesOf(mapping.content.tests, mapping.yaml)
  const beside = readBeside(mapping.definition.file, dir)
  if (!beside) return { cases: own, findings: [] }
  const { content, yaml, findings } = readTestFile(beside.text, beside.file, mapping.content)
  return { cases: [...own, ...(content && yaml ? casesOf(content.tests, yaml) : [])], findings }
}

function readBeside(mappingFile: string, dir: string): { text: string; file: string } | undefined {
  const file = testFileOf(mappingFile)
  const path = resolve(dir, file)
  return file !== mappingFile && existsSync(path) ? { text: readFileSync(path, 'utf8'), file } : undefined
}

type TestFile = { tests: TestCase[] }

function readTestFile(
  text: string,
  file: string,
  mapping: MappingFile,
): { content?: TestFile; yaml?: YamlFile; findings: Finding[] } {
  let yaml: YamlFile
  try {
    yaml = parseYaml(text, file)
  } catch (thrown) {
    const { code, message, fix, place } = asCausewayError(thrown)
    return { findings: [{ severity: 'error', code, message, fix, place: place ?? { file, line: 1, column: 1 } }] }
  }
  const findings = validateYaml(yaml, compileSchema(testFileSchema))
  if (hasErrors(findings)) return { findings }
  const content = yaml.value as TestFile
  findings.push(...testFindings({ ...mapping, tests: content.tests }, yaml))
  return hasErrors(findings) ? { findings } : { content, yaml, findings }
}

function allCasesOf(tests: TestCase[] | undefined, yaml: YamlFile): SuiteCase[] {
  return (tests ?? []).flatMap((test, i) =>
    test.table
      ? test.table.map((row, r) => ({ test: unrolled(test, row, r), yaml, path: ['tests', i, 'table', r] }))
      : [{ test, yaml, path: ['tests', i] }],
  )
}
