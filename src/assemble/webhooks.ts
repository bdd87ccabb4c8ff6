import type { ConnectionConfig } from '../config/index.ts'
import type { WebhookVerdict } from '../connector/index.ts'
import { CausewayError, type Span, startSpan, validTraceparent } from '../core/index.ts'
import type { WebhookAnswer, WebhookRequest } from '../http/index.ts'
import { AS_OF } from '../store/index.ts'
import type { ServiceParts } from './service-parts.ts'
import { UNKNOWN, type WebhookTally } from './webhook-tally.ts'

/** Verify the raw bytes, commit to the inbox, and only then say yes. */
export async function acceptWebhook(
  parts: ServiceParts,
  tally: WebhookTally,
  request: WebhookRequest,
): Promise<WebhookAnswer> {
  const parent = validTraceparent(request.headers.traceparent)
  const span = startSpan('receive webhook', parent === undefined ? {} : { parent })
  try {
    const answer = await accept(parts, tally, request, span)
    span?.end()
    return answer
  } catch (error) {
    span?.end(error)
    throw error
  }
}

async function accept(
  parts: ServiceParts,
  tally: WebhookTally,
  request: WebhookRequest,
  span: Span | undefined,
): Promise<WebhookAnswer> {
  const { ports, inbox } = parts
  const connectionId = ports.model().connectionId(request.connection)
  const connection = parts.files().config.connections.get(request.connection)
  const at = parts.clock.now()
  if (connectionId === undefined || !connection) {
    const error = new CausewayError('CSW-1007', { what: 'there is no connection of that name' })
    tally.note(UNKNOWN, { kind: 'refused', error }, at)
    return { status: 'refused' }
  }
  // Of names that we have, so that a stranger cannot fill traces with others.
  span?.note({ 'causeway.connection': request.connection })
  const { body, stream } = request
  // A name of ours among the headers of a stranger means nothing.
  const { 'causeway-item': _forged, [AS_OF]: _dated, ...headers } = request.headers
  const verdict = await judge(parts, connection, connectionId, { ...request, headers })
  if (!verdict.accept) {
    if ('handshake' in verdict) {
      tally.note(request.connection, { kind: 'handshake' }, at)
      return {
        status: 'handshake',
        code: verdict.handshake.status,
        headers: verdict.handshake.headers,
        body: verdict.handshake.body,
      }
    }
    tally.note(request.connection, { kind: 'refused', error: verdict.error }, at)
    return { status: 'refused' }
  }
  const sealed = ports.model().keepsPartOf(request.connection)
  // Kept with the event: whoever reads it, in whichever process, goes on with the trace.
  const traced = (given: Record<string, string>): Record<string, string> =>
    span ? { ...given, traceparent: span.traceparent } : given
  const outcomes = await inbox.add(
    verdict.events.map((event) => ({
      connectionId,
      stream: event.stream ?? stream,
      eventId: event.eventId,
      headers: traced(event.headers ?? headers),
      body: event.body ?? body,
      sealed,
    })),
  )
  const events = outcomes.length
  const duplicates = outcomes.filter((outcome) => outcome === 'duplicate').length
  tally.note(request.connection, { kind: 'stored', events, duplicates }, at)
  span?.note({ 'causeway.events': events, 'causeway.duplicates': duplicates })
  return { ...(verdict.answer ? { answer: verdict.answer } : {}), status: 'accepted', events, duplicates }
}

/** What is refused by the secrets we know is looked at again with those that the ledger has now: one may be brand-new. */
async function judge(
  { ports, files, hookSecrets, clock, publicUrl }: ServiceParts,
  { name, connector }: ConnectionConfig,
  connectionId: number,
  { body, headers, stream, query, method, path }: WebhookRequest,
): Promise<WebhookVerdict> {
  const session = await ports.session(name)
  const url = publicUrl === null ? '' : publicUrl.replace(/\/+$/, '') + path
  const delivery = { headers, body, stream, query, method, url, at: clock.now() }
  if (files().catalogue.get(connector).orderedStreams.length === 0) return session.verifyWebhook(delivery)
  const verdict = session.verifyWebhook({ ...delivery, subscriptions: await hookSecrets.get(connectionId) })
  if (verdict.accept || 'handshake' in verdict) return verdict
  return session.verifyWebhook({ ...delivery, subscriptions: await hookSecrets.renewed(connectionId) })
}
