/** Sessions: opened, filled record by record, closed; what became of each record is told when the vendor has got so far. */
import { randomBytes } from 'node:crypto'
import type { Behaviour } from './description.ts'
import type { Expressions, Names } from './expressions.ts'
import { Refusal } from './problem.ts'
import { fill } from './template.ts'

type Session = { id: string; given: unknown; results: unknown[]; sent: number; closed: boolean; asked: number }
type Done = { status: number; names: Names; answer?: unknown }
type Step = {
  sessions: Sessions
  behaviour: Behaviour
  names: Names
  expressions: Expressions
  /** Does what `each` says with one record. */
  each(names: Names, bytes?: Buffer): Promise<Done>
}

export class Sessions {
  private readonly opened = new Map<string, Session>()

  open(given: unknown): Session {
    const id = randomBytes(6).toString('hex')
    const session = { id, given, results: [], sent: 0, closed: false, asked: 0 }
    this.opened.set(id, session)
    return session
  }

  find(id: unknown): Session {
    const session = this.opened.get(String(id))
    if (!session) throw new Refusal('not_found', { reason: 'session', id })
    return session
  }
}

/** One request of a session; names: `session` (id, given, results, closed), `ready` where it is asked for, `record` in `add`. */
export async function inSession(step: Step): Promise<Done> {
  const { sessions, behaviour, names, expressions } = step
  if (behaviour.session === 'open') {
    await checkRefusals(behaviour, names, expressions)
    const session = sessions.open(behaviour.values ? await expressions.evaluate(behaviour.values, names) : names.body)
    return { status: 201, names: { session } }
  }
  const session = sessions.find((names.path as Names).id)
  const scope = { ...names, session }
  if (behaviour.session === 'add') return add(step, session, scope)
  if (behaviour.session === 'close') {
    if (session.closed) throw new Refusal('invalid', { reason: 'closed', message: 'the session is closed' })
    session.closed = true
    return { status: 204, names: { session } }
  }
  if (session.closed) session.asked++
  return { status: 200, names: { session, ready: session.asked >= (behaviour.polls ?? 2) } }
}

async function add({ behaviour, expressions, each }: Step, session: Session, scope: Names): Promise<Done> {
  if (session.closed) throw new Refusal('invalid', { reason: 'closed', message: 'the session is closed' })
  await checkRefusals(behaviour, scope, expressions)
  const number = ++session.sent
  const id = `${session.id}-${number}`
  const item = behaviour.values ? await expressions.evaluate(behaviour.values, scope) : scope.body
  const names = { ...scope, item, id, number }
  const content = behaviour.content ? String(await expressions.evaluate(behaviour.content, scope)) : undefined
  const bytes = content === undefined ? undefined : Buffer.from(content, 'base64')
  session.results.push(await resultOf(behaviour, names, expressions, (own) => each(own, bytes)))
  return { status: 202, names: { session, id, number } }
}

/** What is told of one record afterwards: done, or refused. */
async function resultOf(
  { done, failed }: Behaviour,
  names: Names,
  expressions: Expressions,
  each: Step['each'],
): Promise<unknown> {
  try {
    return await fill(done, { ...names, ...(await each(names)).names }, expressions)
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal
    return fill(failed, { ...names, problem: { ...refusal.detail, kind: refusal.kind } }, expressions)
  }
}

/** Throws where one of the things that a vendor refuses is true; the connector should never have sent it. */
export async function checkRefusals({ refuses }: Behaviour, names: Names, expressions: Expressions): Promise<void> {
  for (const [message, when] of Object.entries(refuses ?? {}))
    if ((await expressions.evaluate(when, names)) === true)
      throw new Refusal('invalid', { reason: 'refused', message }, true)
}
