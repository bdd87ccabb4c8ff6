import { type Answer, Refusal } from '../http/index.ts'
import type { Book } from './book.ts'
import type { CrmRecord } from './records.ts'

type Input = {
  id?: string
  idProperty?: string
  traceId?: string
  properties?: Record<string, unknown>
}
const LIMIT = 100

/** Carries out a batch. Each input stands for itself; 207 tells that some were refused, and `traceId` tells which. */
export function runBatch(book: Book, operation: string, body: Record<string, unknown>): Answer {
  const inputs = body.inputs as Input[]
  if (!Array.isArray(inputs) || inputs.length === 0 || inputs.length > LIMIT)
    throw new Refusal(400, 'VALIDATION_ERROR', `inputs must be a list of 1 to ${LIMIT}`)
  const startedAt = Date.now()
  const results: Record<string, unknown>[] = []
  const errors: Record<string, unknown>[] = []
  for (const [index, input] of inputs.entries()) {
    try {
      const result = runOne(book, operation, input)
      if (result !== null) results.push({ ...result, ...(input.traceId !== undefined && { traceId: input.traceId }) })
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      errors.push(describe(error, index, input))
    }
  }
  const fine = operation === 'create' ? 201 : 200
  return {
    status: errors.length > 0 ? 207 : fine,
    json: {
      status: 'COMPLETE',
      results,
      ...(errors.length > 0 && { numErrors: errors.length, errors }),
      startedAt,
      completedAt: Date.now(),
    },
  }
}

function runOne(book: Book, operation: string, input: Input): Record<string, unknown> | null {
  const properties = input.properties ?? {}
  switch (operation) {
    case 'create':
      return book.create(properties)
    case 'update':
      return book.update(needId(input), properties)
    case 'upsert': {
      const { record, isNew } = book.upsert(input.idProperty ?? '', needId(input), properties)
      return { ...record, new: isNew }
    }
    case 'read':
      return read(book, input)
    case 'archive':
      book.archive(needId(input))
      return null
    default:
      throw new Refusal(404, 'not_found', `There is no batch ${operation}`)
  }
}

function read(book: Book, input: Input): CrmRecord {
  if (input.idProperty === undefined) return book.get(needId(input))
  const found = book.table.find(input.idProperty, needId(input)).find((record) => !record.archived)
  if (found === undefined) throw new Refusal(404, 'OBJECT_NOT_FOUND', `There is no ${book.object.singular} ${input.id}`)
  return found
}

function needId(input: Input): string {
  if (typeof input.id !== 'string' || input.id === '') throw new Refusal(400, 'VALIDATION_ERROR', 'id must be given')
  return input.id
}

const describe = (refusal: Refusal, index: number, input: Input): Record<string, unknown> => ({
  status: 'error',
  category: refusal.code,
  message: [refusal.message, ...refusal.problems.map((problem) => problem.message)].join('; '),
  context: { index: [String(index)], ...(input.traceId !== undefined && { traceId: [input.traceId] }) },
  ...(refusal.details.existingId !== undefined && { existingId: refusal.details.existingId }),
})
