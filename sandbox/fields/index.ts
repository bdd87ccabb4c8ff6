import type { FieldProblem } from '../http/index.ts'

/** What a system accepts in a field. */
type Field = {
  type: 'text' | 'email' | 'boolean' | 'integer' | 'number' | 'decimal' | 'option' | 'texts' | 'object' | 'list'
  required?: true
  /** Set by the system; a client may not write it. */
  readOnly?: true
  options?: readonly string[]
  max?: number
  /** A form the text must have, with the words for people. */
  form?: readonly [pattern: RegExp, words: string]
}
export type Fields = Record<string, Field>

/** Whether all fields are given (a new or wholly replaced record) or only those that change. */
export type Completeness = 'whole' | 'part'

/** What is wrong with the values, field by field. `null` empties a field that is not required. */
export function check(fields: Fields, values: Record<string, unknown>, completeness: Completeness): FieldProblem[] {
  const problems: FieldProblem[] = []
  for (const [name, value] of Object.entries(values)) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (field === undefined) problems.push({ field: name, code: 'unknown', message: `There is no field ${name}` })
    else if (field.readOnly) problems.push({ field: name, code: 'read_only', message: `${name} cannot be written` })
    else if (value !== null) problems.push(...checkValue(name, field, value))
  }
  for (const [name, field] of Object.entries(fields)) {
    const missing = values[name] === undefined ? completeness === 'whole' : values[name] === null || values[name] === ''
    if (field.required && missing) problems.push({ field: name, code: 'required', message: `${name} must be given` })
  }
  return problems
}

function checkValue(name: string, field: Field, value: unknown): FieldProblem[] {
  const wrong = (code: string, message: string): FieldProblem[] => [
    { field: name, code, message: `${name} ${message}` },
  ]
  if (!hasType(field, value)) return wrong('invalid_type', `must be ${TYPE_WORDS[field.type]}`)
  if (field.options !== undefined && !field.options.includes(value as string))
    return wrong('invalid_option', `must be one of ${field.options.join(', ')}`)
  if (field.max !== undefined && typeof value === 'string' && value.length > field.max)
    return wrong('too_long', `may have ${field.max} characters`)
  if (field.type === 'email' && !/^[^\s@]+@[^\s@]+\.[a-z]{2,}$/i.test(value as string))
    return wrong('invalid_email', 'is not an e-mail address')
  if (field.type === 'decimal' && !/^-?\d+(\.\d{1,4})?$/.test(value as string))
    return wrong('invalid_decimal', 'must be a decimal number as text, such as "19.90"')
  if (field.form !== undefined && !field.form[0].test(value as string)) return wrong('invalid_form', field.form[1])
  return []
}

const TYPE_WORDS: Record<Field['type'], string> = {
  text: 'text',
  email: 'text',
  option: 'text',
  decimal: 'a decimal number as text, such as "19.90"',
  boolean: 'true or false',
  integer: 'a whole number',
  number: 'a number',
  texts: 'a list of texts',
  object: 'an object',
  list: 'a list of objects',
}

function hasType(field: Field, value: unknown): boolean {
  switch (field.type) {
    case 'boolean':
      return typeof value === 'boolean'
    case 'integer':
      return typeof value === 'bigint' || Number.isInteger(value)
    case 'number':
      return typeof value === 'number' && Number.isFinite(value)
    case 'texts':
      return Array.isArray(value) && value.every((item) => typeof item === 'string')
    case 'object':
      return isObject(value)
    case 'list':
      return Array.isArray(value) && value.every(isObject)
    default:
      return typeof value === 'string'
  }
}

const isObject = (value: unknown): boolean => value !== null && typeof value === 'object' && !Array.isArray(value)
