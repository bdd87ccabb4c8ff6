import type { FastifySchemaCompiler } from 'fastify'
import type { TSchema } from 'typebox'
import { CausewayError, compileSchema } from '../core/index.ts'

type Properties = Record<string, { type?: string | string[] } | undefined>

/**
 * Checks bodies, queries and path parameters with the hub's one Ajv, so that a misspelt parameter names the nearest known one
 * here as in the files. Queries are text; numbers and booleans are read out of it where the schema wants them.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const check = compileSchema(schema)
  const properties = ((schema as { properties?: Properties }).properties ?? {}) as Properties
  const isText = httpPart === 'querystring' || httpPart === 'params'
  return (data: unknown) => {
    // An action without particulars may come without any body.
    const value = isText ? fromText(data as Record<string, unknown>, properties) : (data ?? {})
    const violations = check(value)
    if (!violations.length) return { value }
    const errors = violations.map(({ path, key, message, fix }) => ({
      pointer: `/${[httpPart ?? 'body', ...path, ...(key === undefined ? [] : [key])].map(escapePointer).join('/')}`,
      message: `${message}. ${fix}`,
    }))
    return {
      error: new CausewayError('CSW-8003', {
        what: violations
          .map(({ path, message }) => `${[path.join('.'), message].filter(Boolean).join(': ')}.`)
          .join(' '),
        fix: [...new Set(violations.map(({ fix }) => fix))].join(' '),
        data: { errors },
      }),
    }
  }
}

const escapePointer = (part: string | number): string => String(part).replaceAll('~', '~0').replaceAll('/', '~1')

function fromText(data: Record<string, unknown>, properties: Properties): Record<string, unknown> {
  const read: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(data)) {
    const type = properties[key]?.type
    if (type === 'integer' && typeof value === 'string' && /^-?\d{1,15}$/.test(value)) read[key] = Number(value)
    else if (type === 'boolean' && (value === 'true' || value === '')) read[key] = true
    else if (type === 'boolean' && value === 'false') read[key] = false
    else read[key] = value
  }
  return read
}
