import type { Json, JsonObject } from '../../../src/core/index.ts'

/** A plain JSON-RPC client of Tryton for seeding and for checking results through Tryton's own API. */
export class TrytonRpc {
  private readonly url: string
  private authorization = ''
  context: JsonObject = { language: 'en' }

  constructor(url: string) {
    this.url = url
  }

  async login(user: string, password: string): Promise<number> {
    const [id, key] = (await this.rpc('common.db.login', [user, { password }, 'en'])) as [number, string]
    this.authorization = `Session ${Buffer.from(`${user}:${id}:${key}`).toString('base64')}`
    return id
  }

  /** Calls `model.<model>.<method>` with the context appended, as every model method wants it. */
  call<T = Json>(model: string, method: string, ...params: Json[]): Promise<T> {
    return this.rpc(`model.${model}.${method}`, [...params, this.context]) as Promise<T>
  }

  read<T = JsonObject>(model: string, domain: Json, fields: string[]): Promise<T[]> {
    return this.call(model, 'search_read', domain, 0, null, [['id', 'ASC']], fields)
  }

  async rpc(method: string, params: Json[]): Promise<Json> {
    const headers = {
      'Content-Type': 'application/json',
      ...(this.authorization && { Authorization: this.authorization }),
    }
    const body = JSON.stringify({ id: 1, method, params })
    const response = await fetch(this.url, { method: 'POST', headers, body, signal: AbortSignal.timeout(120_000) })
    if (!response.ok) throw new Error(`${method}: HTTP ${response.status}`)
    const answer = (await response.json()) as { result: Json; error?: Json }
    // Tryton reports its errors with HTTP 200.
    if (answer.error) throw new Error(`${method}: ${JSON.stringify(answer.error)}`)
    return answer.result
  }
}

export const trytonDate = (year: number, month: number, day: number): JsonObject => ({
  __class__: 'date',
  year,
  month,
  day,
})
export const trytonDecimal = (decimal: string): JsonObject => ({ __class__: 'Decimal', decimal })
