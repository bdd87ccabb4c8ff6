import { CausewayError } from '../core/index.ts'
import { agreed, agreedIds, type ConnectorCheck, nothing, type StreamCheck } from './check.ts'
import type { Reading, Subject } from './subject.ts'

/** A passing failure in the middle of a read costs nothing but time. */
const survives =
  (kind: 'down' | 'html' | 'cut'): StreamCheck =>
  async ({ subject, stream, use, info }) => {
    if (!info.abilities.read) return nothing('the stream is not read')
    if (!subject.simulator.knows(kind)) return nothing('such a system cannot fail that way')
    const { pages } = await subject.whole(stream, use)
    subject.simulator.faults.add({ kind, when: ({ write }) => !write })
    const read = () => subject.read(stream, 'full', null, 1)
    const first = subject.isStore ? await orLater(read) : { ...(await read()), again: false }
    subject.simulator.faults.clear()
    agreedIds(first.pages[0]!, pages[0]!, 'the first page with a passing failure')
    return first.again ? 'told as a trouble that passes; the next read has everything' : 'tried again'
  }

/** A store may leave it to the hub to try again: then it has to say so by the failure, and the next try gives everything. */
async function orLater(read: () => Promise<Reading>): Promise<Reading & { again: boolean }> {
  const failure: CausewayError[] = []
  const first = await read().catch((error: unknown) => {
    if (!(error instanceof CausewayError) || error.reaction !== 'retry') throw error
    failure.push(error)
    return read()
  })
  return { ...first, again: failure.length > 0 }
}

export const survivesDown = survives('down')
export const survivesHtml = survives('html')
export const survivesCut = survives('cut')

/** The session's streams that can be read, the first of them for what is true of all. */
const anyReadable = (subject: Subject): string =>
  subject.streams.find(([, info]) => info.abilities.read)?.[0] ?? nothing('no stream is read')

async function failureOf(work: Promise<unknown>): Promise<CausewayError | null> {
  try {
    await work
    return null
  } catch (error) {
    agreed(error instanceof CausewayError, `an error without a code: ${String(error)}`)
    return error
  }
}

export const obeysThrottle: ConnectorCheck = async (subject) => {
  const stream = anyReadable(subject)
  if (!subject.simulator.knows('throttled')) return nothing('such a system throttles nobody')
  // Longer than any session waits by itself: it must say so instead.
  for (let i = 0; i < 5; i++) subject.simulator.faults.add({ kind: 'throttled', ms: 40_000, when: () => true })
  const failure = await failureOf(subject.read(stream, 'full'))
  subject.simulator.faults.clear()
  const { headers = {}, status } = subject.simulator.description.errors.throttled ?? {}
  agreed(
    failure?.code === 'CSW-3005',
    `the throttle answer${status ? ` (${status})` : ''} is taken for ${failure?.code ?? 'success'}: ${failure?.message ?? ''}`,
  )
  if (!Object.values(headers).some((value) => String(value).includes('wait')))
    return 'throttled; the vendor does not say for how long'
  agreed(
    Math.abs((failure.retryAfterMs ?? 0) - 40_000) < 2_000,
    `the vendor asks to wait 40 s, and ${failure.retryAfterMs} ms are reported`,
  )
  return 'throttled for as long as the vendor says'
}

export const tellsBadCredentials: ConnectorCheck = async (subject) => {
  const stream = anyReadable(subject)
  const { secrets } = subject.simulator
  const settings = await subject.simulator.settings()
  const wrong = Object.fromEntries(
    Object.entries(settings).flatMap(([name, value]) => {
      const secret = Object.values(secrets).find((one) => value === one)
      return secret ? [[name, secret.replace('canary', 'wrong')]] : []
    }),
  )
  if (Object.keys(wrong).length === 0) return nothing('the connection has no secrets')
  const session = await subject.connect(wrong)
  const failure = await failureOf(subject.read(stream, 'full', null, Infinity, session))
  await session.close()
  agreed(failure !== null, 'wrong credentials are accepted')
  agreed(
    failure.code === 'CSW-3003' || failure.causeClass === 'credential',
    `wrong credentials are taken for ${failure.code}: ${failure.message}`,
  )
  return failure.code
}

export const renewsToken: ConnectorCheck = async (subject) => {
  if (!Object.values(subject.simulator.description.routes).some(({ token }) => token))
    return nothing('credentials do not expire')
  const [stream, , use] = subject.streams.find(([, info]) => info.abilities.read) ?? nothing('no stream is read')
  const given = subject.simulator.credentials.given
  let reads = 0
  subject.simulator.faults.add({ kind: 'expire', when: ({ write }) => !write && ++reads === 2 })
  const { ids } = await subject.read(stream, 'full')
  subject.simulator.faults.clear()
  agreedIds(ids, subject.expected(use), 'a read during which the token ends')
  agreed(subject.simulator.credentials.given > given, 'the token ended, and no new one was asked for')
  return 'a new one is got once, and the read goes on'
}
