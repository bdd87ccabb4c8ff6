import { type Answer, Refusal } from '../http/index.ts'
import { etag, type Ledger } from './ledger.ts'

type Part = { method?: string; path?: string; body?: Record<string, unknown>; ifMatch?: string }
const LIMIT = 100

/** Carries out up to 100 writes; the answers stand in the order of the requests, each with a status of its own. */
export function runBatch(
  ledger: (name: string) => Ledger,
  body: Record<string, unknown>,
  refuse: (refusal: Refusal) => Answer,
): Answer {
  const parts = body.requests as Part[]
  if (!Array.isArray(parts) || parts.length === 0 || parts.length > LIMIT)
    throw new Refusal(400, 'BAD_BATCH', `requests must be a list of 1 to ${LIMIT}`)
  const responses = parts.map((part) => {
    try {
      return runPart(ledger, part)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const { status, json } = refuse(error)
      return { status, body: json }
    }
  })
  return { status: 200, json: { responses } }
}

function runPart(ledger: (name: string) => Ledger, { method, path, body = {}, ifMatch = '' }: Part) {
  const [, name = '', id = ''] = /^\/?(?:api\/)?(\w+)(?:\/(\d+))?$/.exec(path ?? '') ?? []
  const target = ledger(name)
  if (method === 'DELETE' && id !== '') {
    target.delete(id)
    return { status: 204, body: null }
  }
  const record =
    method === 'POST' && id === ''
      ? target.create(body)
      : method === 'PATCH' && id !== ''
        ? target.change(id, body, ifMatch)
        : method === 'PUT' && id !== ''
          ? target.replace(id, body, ifMatch)
          : null
  if (record === null) throw new Refusal(400, 'BAD_BATCH', `${method} ${path} is not possible in a batch`)
  return { status: method === 'POST' ? 201 : 200, etag: etag(record), body: record }
}
