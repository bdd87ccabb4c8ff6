/** Renaming what a mapping file names itself: a join or a value table, with all its uses, also in the tests beside the file. */
import { parseYaml } from '../core/index.ts'
import { BUILTIN_NAMES, integrationFunctions } from '../expression/index.ts'
import { type NameUse, nameUses, readMapping, tablesBeside, testUses } from '../mapping/index.ts'

/** Positions count from zero, as editors do. */
type Position = { line: number; character: number }
export type NameRange = { start: Position; end: Position }

type Source = {
  text: string
  file: string
  /** The text of the tests beside it, where there are some. */
  beside?: string
}

/** The join or table at a position, and where its name stands; null where nothing can be renamed, or the file has faults. */
export function nameAt(
  source: Source,
  position: Position,
): { name: string; kind: NameUse['kind']; range: NameRange } | null {
  const found = usesOf(source).find(({ place, name }) => {
    const { start, end } = rangeOf(place, name)
    return start.line === position.line && start.character <= position.character && position.character <= end.character
  })
  return found ? { name: found.name, kind: found.kind, range: rangeOf(found.place, found.name) } : null
}

/** The places to change in the file, and in its tests beside it. A text says why that name cannot be. */
export function renamed(
  source: Source,
  position: Position,
  to: string,
): { own: NameRange[]; beside: NameRange[] } | string | null {
  const at = nameAt(source, position)
  if (!at) return null
  const uses = usesOf(source)
  const fault = faultOf(to, at.kind, uses)
  if (fault) return fault
  const own = uses.filter(({ kind, name }) => kind === at.kind && name === at.name)
  const tests = at.kind === 'join' ? besideUses(source.beside).filter(({ name }) => name === at.name) : []
  const ranges = (found: NameUse[]) => found.map(({ place, name }) => rangeOf(place, name))
  return { own: ranges(own), beside: ranges(tests) }
}

function usesOf({ text, file }: Source): NameUse[] {
  const { mapping } = readMapping(text, file, tablesBeside(file))
  return mapping ? nameUses(mapping) : []
}

function besideUses(text: string | undefined): NameUse[] {
  if (text === undefined) return []
  try {
    const yaml = parseYaml(text, 'tests')
    return testUses((yaml.value as { tests?: Parameters<typeof testUses>[0] } | null)?.tests, yaml)
  } catch {
    // What is no YAML is left as it is; it says so itself.
    return []
  }
}

const RESERVED = ['id', 'deleted', 'item', 'index']

function faultOf(to: string, kind: NameUse['kind'], uses: NameUse[]): string | undefined {
  if (kind === 'join' && !/^[A-Za-z_]\w*$/.test(to))
    return `"${to}" is no name of a join: letters, digits and _ make one`
  if (!/^[\w-]+$/.test(to)) return `"${to}" is no name of a table: letters, digits, _ and - make one`
  if (uses.some((use) => use.kind === kind && use.name === to)) return `there is a ${kind} "${to}" already`
  if (kind === 'join' && (RESERVED.includes(to) || BUILTIN_NAMES.includes(to) || to in integrationFunctions))
    return `$${to} means something else`
  return undefined
}

function rangeOf({ line, column }: NameUse['place'], name: string): NameRange {
  const start = { line: (line ?? 1) - 1, character: (column ?? 1) - 1 }
  return { start, end: { line: start.line, character: start.character + name.length } }
}
