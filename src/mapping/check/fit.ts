/** Whether what an expression gives fits a field of the target, as far as both are described. */
import { fieldsOf, requiredOf, tooLong, typesOf } from './record-schema.ts'
import { inWords, type Kind, type Shape } from './shape.ts'

type Misfit = { message: string; fix: string; severity: 'error' | 'warning' }

/** `parent` is the schema of the object that holds the field, which says whether the field is needed. */
export function fitShape(shape: Shape, schema: unknown, parent: unknown, name: unknown, creates: boolean): Misfit[] {
  const needed = creates && typeof name === 'string' && requiredOf(parent).includes(name)
  if (shape.nothing)
    return needed
      ? [
          warning(
            `the target needs the field "${name}", and this gives nothing where the condition is not true`,
            'Say with ":" what it is then.',
          ),
        ]
      : []
  const misfits: Misfit[] = []
  if (shape.lossy)
    misfits.push(
      warning(
        'the number went through a double, which may have rounded it',
        'Hand the value on as it is, or calculate with the $decimal functions.',
      ),
    )
  misfits.push(...optionMisfits(shape, schema))
  const types = typesOf(schema)
  if (types.length === 0) return misfits
  const takesList = types.includes('array')
  if (shape.several) return [...misfits, ...severalMisfits(shape, takesList)]
  const takes = new Set(types.map((type) => (type === 'integer' ? 'number' : type) as Kind))
  misfits.push(...typeMisfits(shape, takes), ...nullMisfits(shape, takes, needed, parent))
  const most = (schema as { maxLength?: number }).maxLength
  const longest = shape.certain && (shape.minLength ?? 0) > (most ?? Infinity) ? shape.minLength : shape.maxLength
  if (most !== undefined && longest !== undefined && longest > most && !shape.options)
    misfits.push(warning(`up to ${tooLong(longest, most)}`, `Cut it: $substring(${shape.path ?? '…'}, 0, ${most}).`))
  return misfits
}

function severalMisfits({ path }: Shape, takesList: boolean): Misfit[] {
  const name = path ?? '…'
  return takesList
    ? [
        warning(
          'where there is one item only, this gives the item and not a list of one',
          `Put it into brackets: [${name}].`,
        ),
      ]
    : [
        warning(
          'this goes through a list and may give several values, and the target takes one',
          'Choose one, as in lines[0].sku, or join them with $join.',
        ),
      ]
}

function typeMisfits({ kinds, certain }: Shape, takes: ReadonlySet<Kind>): Misfit[] {
  const given = kinds ? [...kinds].filter((kind) => kind !== 'null') : []
  if (given.length === 0 || given.some((kind) => takes.has(kind))) return []
  const wanted = inWords([...takes].filter((kind) => kind !== 'null'))
  const fix =
    takes.has('string') && given[0] === 'number'
      ? 'Convert it with $string.'
      : takes.has('number') && given[0] === 'string'
        ? 'Convert it with $number.'
        : takes.has('array')
          ? 'Put it into brackets: […].'
          : 'Give a value of that type.'
  return [
    {
      severity: certain ? 'error' : 'warning',
      message: `this is ${inWords(given)}, and the target takes ${wanted}`,
      fix,
    },
  ]
}

/** Where the description of the target tells null from other values, or needs the field, null would be refused. */
function nullMisfits({ kinds, path }: Shape, takes: ReadonlySet<Kind>, needed: boolean, parent: unknown): Misfit[] {
  if (!kinds?.has('null') || takes.has('null') || kinds.size === 1) return []
  const speaksOfNull = Object.values(fieldsOf(parent) ?? {}).some((field) => typesOf(field).includes('null'))
  if (!needed && !speaksOfNull) return []
  const name = path ?? 'x'
  return [
    warning(
      `${path ? `"${path}"` : 'this'} may be null, which the target does not take`,
      `Say what it is then, as in: ${name} ? ${name} : "…".`,
    ),
  ]
}

function optionMisfits({ options, certain }: Shape, schema: unknown): Misfit[] {
  const taken = (schema as { enum?: unknown } | undefined)?.enum
  if (!options || !Array.isArray(taken)) return []
  const wrong = options.filter((option) => option !== null && !taken.includes(option))
  if (wrong.length === 0) return []
  const list = (values: readonly unknown[]): string => values.map((value) => JSON.stringify(value)).join(', ')
  return [
    {
      severity: certain ? 'error' : 'warning',
      message: `this can be ${list(wrong)}, and the target takes ${list(taken)}`,
      fix: 'Say what becomes of each value.',
    },
  ]
}

const warning = (message: string, fix: string): Misfit => ({ severity: 'warning', message, fix })
