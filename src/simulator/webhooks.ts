/** Events as the vendor sends them, signed by the recipe in the description. */
import type { Description } from './description.ts'
import type { Expressions, Names } from './expressions.ts'
import { isItem } from './paths.ts'
import { fill } from './template.ts'

export type SignedEvent = { headers: Record<string, string>; body: Buffer; query: Record<string, string> }

export async function signedEvent(
  { webhooks }: Description,
  stream: string,
  what: 'created' | 'updated' | 'deleted',
  names: Names,
  at: number,
  expressions: Expressions,
): Promise<SignedEvent | null> {
  const template = webhooks?.events[stream]?.[what]
  if (!webhooks || template === undefined) return null
  const time = { ms: at, seconds: Math.floor(at / 1000), iso: new Date(at).toISOString() }
  const event = await fill(template, { ...names, time }, expressions)
  return wrapped(webhooks, event, { ...names, time }, expressions)
}

async function wrapped(
  webhooks: NonNullable<Description['webhooks']>,
  event: unknown,
  names: Names,
  expressions: Expressions,
) {
  const body = event === undefined || event === null ? '' : webhooks.as === 'form' ? form(event) : JSON.stringify(event)
  const headers: Record<string, string> = {
    'content-type': webhooks.as === 'form' ? 'application/x-www-form-urlencoded' : 'application/json',
  }
  for (const [name, template] of Object.entries(webhooks.headers)) {
    const value = await fill(template, { ...names, body, event }, expressions)
    if (value !== undefined && value !== null) headers[name.toLowerCase()] = String(value)
  }
  const query = (await fill(webhooks.query ?? {}, { ...names, body, event }, expressions)) as Record<string, string>
  return { headers, body: Buffer.from(body), query }
}

function form(event: unknown): string {
  const params = new URLSearchParams()
  const add = (name: string, value: unknown): void => {
    if (isItem(value)) for (const [key, item] of Object.entries(value)) add(name ? `${name}[${key}]` : key, item)
    else if (value !== undefined && value !== null) params.append(name, String(value))
  }
  add('', event)
  return params.toString()
}

/** The vendor's check of an address, and the answer it waits for; null where it checks none. */
export async function handshakeOf(
  { webhooks }: Description,
  names: Names,
  at: number,
  expressions: Expressions,
): Promise<{ request: SignedEvent; answer: string } | null> {
  if (!webhooks?.handshake) return null
  const { body, headers, query, answers } = webhooks.handshake
  const time = { ms: at, seconds: Math.floor(at / 1000), iso: new Date(at).toISOString() }
  const scope = { ...names, time, challenge: `challenge-${at}` }
  const sent = body === undefined ? undefined : await fill(body, scope, expressions)
  const request = await wrapped(
    { ...webhooks, headers: { ...webhooks.headers, ...headers }, query: { ...webhooks.query, ...query } },
    sent,
    scope,
    expressions,
  )
  return { request, answer: String(await fill(answers, scope, expressions)) }
}
