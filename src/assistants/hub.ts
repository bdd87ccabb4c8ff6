import { CausewayError } from '../core/index.ts'

/** The admin API of the hub, wherever it is: all that tools reach. A refusal is thrown as the error it stands for. */
export type Hub = {
  call(method: 'GET' | 'POST', path: string, body?: object): Promise<string>
}

const API = '/api/v1'

/**
 * A path of the API out of parts that may be anything. Dots alone would lead to another route, whatever way they are written, because
 * addresses are folded before they are sent.
 */
export function apiPath(
  parts: readonly (string | number)[],
  query: Record<string, string | number | boolean | undefined> = {},
): string {
  const path = parts.map((part) => {
    const text = String(part)
    if (/^\.{1,2}$/.test(text) || !text.isWellFormed())
      throw new CausewayError('CSW-8003', { what: `${JSON.stringify(text)} is no name.` })
    return encodeURIComponent(text)
  })
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value))
  return `${API}/${path.join('/')}${parameters.size ? `?${parameters}` : ''}`
}
