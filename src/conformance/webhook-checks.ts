import type { ConnectorSession } from '../connector/index.ts'
import type { SignedEvent } from '../simulator/index.ts'
import { at as valueAt } from '../simulator/index.ts'
import { agreed, type ConnectorCheck, nothing } from './check.ts'

const KINDS = ['created', 'updated', 'deleted'] as const

const verdict = (session: ConnectorSession, { headers, body, query }: SignedEvent, at: number) =>
  session.verifyWebhook({ headers, body, query, stream: null, at: new Date(at) })

export const takesEvents: ConnectorCheck = async (subject) => {
  const { simulator, session } = subject
  if (!subject.manifest.webhooks) return nothing('no webhooks')
  const { webhooks } = simulator.description
  agreed(webhooks !== undefined, 'the manifest takes webhooks, and the description has none')
  let taken = 0
  for (const [stream, , use] of subject.streams)
    for (const kind of KINDS) {
      const entry = simulator.table(use.collection).entries.find(({ deleted }) => !deleted)!
      const id = subject.idOf(use, entry)
      const at = Date.now()
      const event = await simulator.event(stream, kind, entry.record, at)
      if (!event) continue
      taken++
      const what = `the event "${kind}" of ${stream}`
      const seen = verdict(session, event, at)
      agreed(seen.accept, `${what} is refused: ${'error' in seen ? seen.error.message : ''}`)
      const read = await session.readEvent({ ...event, stream: null, signal: subject.signal })
      const mine = read.find((one) => one.stream === stream)
      agreed(mine !== undefined, `${what} is read as ${read.map((one) => one.stream).join(', ') || 'nothing'}`)
      if (mine.pull) {
        agreed(
          subject.session.streams.get(stream)!.abilities.incremental,
          `${what} asks for a pull, which reads all of it`,
        )
        continue
      }
      if (kind === 'deleted') {
        agreed(
          mine.records.some((record) => record.id === id && record.deleted) || mine.fetch.includes(id),
          `${what} gives no tombstone`,
        )
        continue
      }
      const records = [...mine.records]
      if (mine.fetch.length) records.push(...(await session.fetch({ stream, ids: mine.fetch, signal: subject.signal })))
      agreed(
        records.some((record) => record.id === id && !record.deleted),
        `${what} does not lead to record ${id}`,
      )
    }
  agreed(taken > 0, 'the description has no event of a stream')
  return `${taken} events`
}

export const refusesForgeries: ConnectorCheck = async (subject) => {
  const { simulator, session } = subject
  const { webhooks } = simulator.description
  if (!subject.manifest.webhooks || !webhooks) return nothing('no webhooks')
  if (webhooks.unsigned) return nothing('the vendor signs nothing')
  const at = Date.now()
  const [event] = (
    await Promise.all(
      subject.streams.flatMap(([stream, , use]) =>
        KINDS.map((kind) => simulator.event(stream, kind, simulator.table(use.collection).entries[0]!.record, at)),
      ),
    )
  ).filter((one) => one !== null)
  if (!event) return nothing('no event')
  agreed(verdict(session, event, at).accept, 'an event that is genuine is refused')
  const changed = { ...event, body: Buffer.concat([event.body, Buffer.from(' ')]) }
  if (!webhooks.token) agreed(!verdict(session, changed, at).accept, 'a changed body is accepted')
  agreed(
    !verdict(session, { ...event, headers: { 'content-type': 'application/json' }, query: {} }, at).accept ||
      webhooks.token === 'body',
    'an event without signature is accepted',
  )
  const other = await subject.connect(
    Object.fromEntries(
      Object.entries(await simulator.settings()).flatMap(([name, value]) =>
        Object.values(simulator.secrets).includes(String(value)) ? [[name, `${String(value)}x`]] : [],
      ),
    ),
  )
  const wrong = verdict(other, event, at)
  await other.close()
  agreed(!wrong.accept, 'an event signed with another secret is accepted')
  if (webhooks.timeless) return 'changed body, no signature, other secret'
  agreed(!verdict(session, event, at + 3_600_000).accept, 'an event that is an hour old is accepted')
  return 'changed body, no signature, other secret, an hour old'
}

export const shakesHands: ConnectorCheck = async (subject) => {
  const shake = await subject.simulator.handshake(Date.now())
  if (!shake) return nothing('the vendor checks no address')
  const seen = verdict(subject.session, shake.request, Date.now())
  agreed(!seen.accept && 'handshake' in seen, 'the vendor checks the address of a webhook, and that is not answered')
  agreed(
    seen.handshake.body === shake.answer,
    `the check of the address is answered ${JSON.stringify(seen.handshake.body)}, not ${JSON.stringify(shake.answer)}`,
  )
  return `${seen.handshake.status}`
}

const ADDRESS = 'https://hub.example.com/hooks/simulated'

/** Ordered with our address, found again, renewed, ordered once where the answer is lost, and removed. */
export const ordersWebhooks: ConnectorCheck = async (subject) => {
  if (!subject.manifest.subscriptions) return nothing('the manifest orders no webhooks')
  const kept = subject.simulator.description.webhooks?.subscriptions
  if (!kept) return nothing('the description does not say where what is ordered is kept')
  const { signal, session, simulator } = subject
  const subscriber = session.subscriber!()
  const living = () => simulator.table(kept.collection).present
  const plans = subscriber.plan([...session.streams.keys()])
  agreed(plans.length > 0, 'no stream of the manifest has events')
  for (const plan of plans) {
    const url = plan.stream === null ? ADDRESS : `${ADDRESS}/${plan.stream}`
    const secret = subscriber.newSecret()
    const mine = () => living().filter(({ record }) => valueAt(record, kept.url) === url)
    if (subscriber.finds) {
      simulator.faults.add({ kind: 'lost', when: ({ write }) => write })
      const failure = await subscriber.create({ ...plan, url, secret }, { signal }).then(
        () => null,
        (error: Error) => error,
      )
      simulator.faults.clear()
      agreed(
        failure !== null && mine().length === 1,
        `an order whose answer was lost was placed ${mine().length} times`,
      )
      const found = (await subscriber.find(signal)).filter((one) => one.url === url)
      agreed(found.length === 1, `an order whose answer was lost is found ${found.length} times`)
      await subscriber.remove({ id: found[0]!.id, secret }, signal)
      agreed(mine().length === 0, 'a webhook that was found again cannot be removed')
    }
    const made = await subscriber.create({ ...plan, url, secret }, { signal })
    agreed(mine().length === 1, `one order leads to ${mine().length} webhooks with our address`)
    if (kept.secret !== undefined)
      agreed(
        valueAt(mine()[0]!.record, kept.secret) === made.secret,
        'the system got another secret than the hub keeps',
      )
    if (subscriber.renews) {
      const end = await subscriber.renew(made, plan.streams, signal)
      agreed(end !== null && end.getTime() > Date.now(), 'a webhook that was renewed has no end in the future')
      agreed(mine().length === 1, 'renewing a webhook made another one')
    }
    await subscriber.remove(made, signal)
    agreed(mine().length === 0, 'a webhook that was removed still lives')
    await subscriber.remove(made, signal)
  }
  return `${plans.length} ordered`
}
