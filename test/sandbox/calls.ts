import type { Sandbox, SystemName } from '../../sandbox/index.ts'

export const ANY_PORT: Record<SystemName, number> = { crm: 0, helpdesk: 0, erp: 0, hrm: 0, documents: 0, directory: 0 }

export type Reply = {
  status: number
  headers: Headers
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: answers of six different systems; each test looks at the fields it means
  json: any
}

/** How a client of each system shows who it is. */
export async function credentials(sandbox: Sandbox, system: SystemName): Promise<Record<string, string>> {
  const { crm, helpdesk, erp } = sandbox
  if (system === 'crm') return { 'x-api-key': crm.key }
  if (system === 'helpdesk')
    return { authorization: `Basic ${Buffer.from(`${helpdesk.email}/token:${helpdesk.token}`).toString('base64')}` }
  if (system !== 'erp') return { authorization: `Bearer ${sandbox[system].token}` }
  const { company, user, password } = erp
  const reply = await call(`${erp.url}/api/session`, 'POST', {}, { company, user, password })
  return { 'x-session-token': reply.json.token }
}

export async function call(
  url: string,
  method = 'GET',
  headers: Record<string, string> = {},
  body?: unknown,
): Promise<Reply> {
  const response = await fetch(url, {
    method,
    // Systems are restarted on the same port; a pooled socket of the old one would fail the next call.
    headers: { ...headers, connection: 'close' },
    ...(body !== undefined && { body: Buffer.isBuffer(body) ? new Uint8Array(body) : JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') === true && text !== ''
  return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined }
}

/** A logged-in client of one system: `ask('GET', '/api/v2/tickets')`. */
export async function client(sandbox: Sandbox, system: SystemName) {
  const login = await credentials(sandbox, system)
  return (method: string, pathOrUrl: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> =>
    call(new URL(pathOrUrl, sandbox[system].url).href, method, { ...login, ...headers }, body)
}
