/** Prints parts and fields as a Markdown page. */
import type { Field, Part } from './fields.ts'

export type Section = { path: string; part: Part }

/** Sections of a part and of all parts inside it, in reading order. A part that stands in several places is printed once. */
export function sectionsOf(path: string, part: Part, seen: Set<Part> = new Set()): Section[] {
  if (seen.has(part)) return []
  seen.add(part)
  return [
    { path, part },
    ...Object.entries(part.fields).flatMap(([name, field]) => inside(path ? `${path}.${name}` : name, field, seen)),
  ]
}

function inside(path: string, field: Field, seen: Set<Part>): Section[] {
  if (field.part) return sectionsOf(path, field.part, seen)
  if (field.variants)
    return Object.entries(field.variants).flatMap(([kind, part]) => sectionsOf(`${path} (kind: ${kind})`, part, seen))
  if (field.item) return inside(`${path}${field.kind === 'map' ? '.<name>' : '[]'}`, field.item, seen)
  return []
}

/** One section: what it is for, its fields as a table, an example. */
export function printSection({ path, part }: Section, level: number): string {
  const fields = Object.entries(part.fields)
  return [
    `${'#'.repeat(level)} ${path ? `\`${path}\`` : part.title}`,
    path ? `**${part.title}.** ${part.sense}` : part.sense,
    fields.length ? table(fields) : 'No further fields.',
    ...(part.example ? [`\`\`\`yaml\n${part.example.trim()}\n\`\`\``] : []),
  ].join('\n\n')
}

function table(fields: [string, Field][]): string {
  const rows = fields.map(
    ([name, field]) => `| \`${name}\` | ${kindOf(field)} | ${needOf(field)} | ${senseOf(field)} |`,
  )
  return ['| field | value | | sense |', '|---|---|---|---|', ...rows].join('\n')
}

function kindOf(field: Field): string {
  switch (field.kind) {
    case 'choice':
      return field.options!.map((option) => `\`${option}\``).join(' ')
    case 'variant':
      return `kind: ${Object.keys(field.variants!).join(', ')}`
    case 'list':
      return `list of ${kindOf(field.item!)}`
    case 'map':
      return `names with ${kindOf(field.item!)}`
    case 'part':
      return field.part!.title.toLowerCase()
    case 'flag':
      return 'true, false'
    case 'data':
      return 'YAML with inserts'
    case 'file':
      return 'file or JSON'
    default:
      return field.kind
  }
}

function needOf(field: Field): string {
  if (field.required) return 'required'
  if (field.default === undefined) return ''
  const shown = typeof field.default === 'string' ? field.default : JSON.stringify(field.default)
  return shown === '' ? '' : `\`${shown.replaceAll('|', '\\|')}\``
}

function senseOf(field: Field): string {
  const names = field.names ? ` Names: ${field.names.map((name) => `\`${name}\``).join(', ')}.` : ''
  const example =
    field.example === undefined
      ? ''
      : ` E.g. \`${typeof field.example === 'string' ? field.example : JSON.stringify(field.example)}\`.`
  return `${field.sense}${names}${example}`.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
