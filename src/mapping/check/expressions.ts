/** What can be said about the expressions of a mapping file without knowing the systems: syntax, names, arguments. */
import { type CausewayError, type Finding, nearestName, type YamlFile, type YamlPath } from '../../core/index.ts'
import {
  arityOf,
  BUILTIN_NAMES,
  type CompiledExpression,
  compileExpression,
  signatureOf,
} from '../../expression/index.ts'
import { mappingFunctions } from '../prepare.ts'
import type { Program } from '../program.ts'
import { type ExpressionText, leavesOf } from '../template.ts'

/** An expression of the file with the variables it may read. */
export type CheckedExpression = { text: ExpressionText; compiled: CompiledExpression; variables: string[] }

const FUNCTION_NAMES = [...BUILTIN_NAMES, ...Object.keys(mappingFunctions)]
/** Names that the hub binds itself. */
const RESERVED = ['id', 'deleted', 'item', 'index']

type ProgramText = Omit<Program, 'schema'>

/** All expressions of a program, each with the variables that stand at its place. */
function expressionsOf(program: ProgramText): { text: ExpressionText; variables: string[] }[] {
  const record = ['id', 'deleted']
  const joined = [...record, ...program.joins.map((join) => join.name)]
  const inItem = program.each ? [...joined, 'item', 'index'] : joined
  return [
    ...program.joins.map((join) => ({ text: join.key, variables: record })),
    ...(program.when ? [{ text: program.when, variables: joined }] : []),
    ...(program.each ? [{ text: program.each.of, variables: joined }] : []),
    ...(program.each ? [{ text: program.each.key, variables: inItem }] : []),
    ...leavesOf(program.template).map(({ leaf }) => ({ text: leaf, variables: inItem })),
  ]
}

/** Compiles all expressions; what does not compile, or names what does not exist, becomes a finding. */
export function checkExpressions(
  program: ProgramText,
  yaml: YamlFile,
): { sound: CheckedExpression[]; findings: Finding[] } {
  const findings: Finding[] = joinNameFindings(program, yaml)
  const sound: CheckedExpression[] = []
  for (const { text, variables } of expressionsOf(program)) {
    try {
      const placeOf = (offset: number) => yaml.placeInScalar(text.path, offset)
      const compiled = compileExpression(text.source, { functions: mappingFunctions, placeOf })
      findings.push(...nameFindings(compiled, variables, text.path, yaml))
      sound.push({ text, compiled, variables })
    } catch (error) {
      const { code, message, fix, place } = error as CausewayError
      findings.push({ severity: 'error', code, message, fix, place: place ?? yaml.placeOf(text.path) })
    }
  }
  return { sound, findings }
}

function joinNameFindings(program: ProgramText, yaml: YamlFile): Finding[] {
  return program.joins
    .filter(({ name }) => RESERVED.includes(name) || FUNCTION_NAMES.includes(name))
    .map(({ name }) => ({
      severity: 'error',
      code: 'CSW-4005',
      message: `a join cannot be named "${name}", because $${name} means something else`,
      fix: 'Give the join another name.',
      place: yaml.placeOfKey(['with'], name),
    }))
}

function nameFindings(compiled: CompiledExpression, variables: string[], path: YamlPath, yaml: YamlFile): Finding[] {
  const report = (offset: number, message: string, fix: string): Finding => ({
    severity: 'error',
    code: 'CSW-4005',
    message,
    fix,
    place: yaml.placeInScalar(path, offset),
  })
  const { analysis } = compiled
  const unknownVariables = analysis.variables
    .filter(({ name }) => !variables.includes(name) && !FUNCTION_NAMES.includes(name))
    .map(({ name, offset }) => report(offset, `there is no variable $${name} here`, advice(name, variables)))
  const functionFindings = analysis.functions.flatMap((use) => {
    const signature = mappingFunctions[use.name]?.signature ?? signatureOf(use.name)
    if (signature === undefined)
      return [report(use.offset, `there is no function $${use.name}`, advice(use.name, FUNCTION_NAMES))]
    const fault = arityFault(signature, use.arguments)
    return fault ? [report(use.offset, `$${use.name} ${fault}`, 'Correct the arguments.')] : []
  })
  return [...unknownVariables, ...functionFindings]
}

function arityFault(signature: string, count: number): string | undefined {
  const { least, most } = arityOf(signature)
  if (count < 0 || (count >= least && count <= most)) return undefined
  const wanted = count < least ? `at least ${least}` : `at most ${most}`
  return `takes ${wanted} argument${wanted.endsWith(' 1') ? '' : 's'}, not ${count}`
}

function advice(name: string, known: string[]): string {
  const near = nearestName(name, known)
  if (near) return `Did you mean $${near}?`
  const listed = known.length <= 12 ? `Known here: ${known.map((one) => `$${one}`).join(', ')}.` : 'Correct the name.'
  return listed
}
