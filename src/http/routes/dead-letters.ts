import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { CausewayError, isObject, type Json, JsonText, parseExact } from '../../core/index.ts'
import {
  countSelection,
  type DeadLetterFilter,
  listDeadLetters,
  mayHaveHappened,
  openDeadLetters,
  sampleDeadLetters,
  showBulkAction,
  showDeadLetter,
} from '../../store/views/index.ts'
import type { Actor } from '../actor.ts'
import { API, type App, type RouteContext } from '../app.ts'
import { notFound } from '../problem.ts'
import { Closed, Counts, DEFAULT_LIMIT, IdParams, Moment, PageOf, paging, ReasonBody, Text } from '../schemas/basics.ts'
import { BulkAction, confirmedToken, token } from '../schemas/bulk.ts'
import { DeadLetter, DeadLetterDetail, RunKind } from '../schemas/ledger.ts'
import { actorOf } from './actor.ts'

const tags = ['dead letters']
const SAMPLE = 5
/** Longer records are corrected in their source. */
const MAX_TEXT = 500_000

const filter = {
  code: Type.Optional(Text('Only this error code.', 'CSW-3008')),
  fingerprint: Type.Optional(Text('Only this cause.')),
  sync: Type.Optional(Text('Only this sync.', 'contacts-to-helpdesk')),
  connection: Type.Optional(Text('Only where this connection failed.')),
  kind: Type.Optional(RunKind),
  recordId: Type.Optional(Text('Only this record id.')),
  assignee: Type.Optional(Text('Only those that this person looks after.')),
  before: Type.Optional(Moment('Only those that failed before.')),
}
const Filter = Closed(filter)
const Preview = Closed({
  count: Type.Integer(),
  byCode: Counts('How many of each error code.'),
  duplicateRisk: Type.Integer({ description: 'How many may have reached the target already.' }),
  sample: Type.Array(DeadLetter),
  token,
})
const Confirmed = Closed({ filter: Filter, token: confirmedToken, reason: Type.Optional(Text('Why.')) })
const ConfirmedDiscard = Closed({ filter: Filter, token: confirmedToken, reason: Text('Why.') })
const Requeued = Closed({ requeued: Type.Integer() })
const Discarded = Closed({ discarded: Type.Integer() })

/** A record that a person typed. What is no object, or no text that the ledger can hold, is refused. */
function readRecord(text: string): JsonText {
  let value: Json
  try {
    value = parseExact(text)
  } catch (error) {
    throw new CausewayError('CSW-8003', { what: `The corrected record is no JSON: ${(error as Error).message}` })
  }
  if (!isObject(value) || !text.isWellFormed())
    throw new CausewayError('CSW-8003', { what: 'The corrected record is no JSON object of whole characters.' })
  return JsonText.from(text)
}

export function deadLetterRoutes(app: App, { hub, database }: RouteContext): void {
  /** The open dead letter's id; an id of a closed one is a conflict, not an absence. */
  const findOpen = async (id: string): Promise<number> => {
    const found = await showDeadLetter(database, id)
    if (!found) throw notFound(`There is no dead letter ${id}.`)
    if (found.state !== 'open')
      throw new CausewayError('CSW-8008', { what: `Dead letter ${id} is ${found.state} already.` })
    return found.id
  }
  const begin = async (
    kind: 'dead_letters.requeue' | 'dead_letters.discard',
    confirmed: { filter: DeadLetterFilter; token: string },
    claim: FastifyRequest['claim'],
    actor: Actor,
  ) => {
    const selection = openDeadLetters(confirmed.filter)
    const id = await hub.bulk.begin({ kind, ...confirmed, selection, id: claim?.id ?? null }, actor)
    return (await showBulkAction(database, id))!
  }

  app.get(
    `${API}/dead-letters`,
    {
      config: { access: 'records:read' },
      schema: {
        operationId: 'listDeadLetters',
        summary: 'Dead letters, newest first; open ones unless told otherwise',
        tags,
        querystring: Closed({
          ...paging,
          ...filter,
          state: Type.Optional(Type.Enum(['open', 'requeued', 'resolved', 'discarded'])),
        }),
        response: { 200: PageOf(DeadLetter) },
      },
    },
    ({ query }) => listDeadLetters(database, { ...query, limit: query.limit ?? DEFAULT_LIMIT }),
  )

  app.get(
    `${API}/dead-letters/:id`,
    {
      config: { access: 'records:read' },
      schema: {
        operationId: 'showDeadLetter',
        summary: 'One dead letter with input, output and exchange',
        tags,
        params: IdParams,
        response: { 200: DeadLetterDetail },
      },
    },
    async ({ params }) => {
      const found = await showDeadLetter(database, params.id)
      if (!found) throw notFound(`There is no dead letter ${params.id}.`)
      return found
    },
  )

  app.post(
    `${API}/dead-letters/:id/requeue`,
    {
      config: { access: 'letters:operate' },
      schema: {
        operationId: 'requeueDeadLetter',
        summary: 'Tries a record again with the present record and mapping',
        tags,
        params: IdParams,
        body: ReasonBody,
        response: { 200: Requeued },
      },
    },
    async ({ params, body, caller }) => hub.requeueDeadLetters([await findOpen(params.id)], actorOf(caller, body)),
  )

  app.post(
    `${API}/dead-letters/:id/correct`,
    {
      config: { access: 'records:write' },
      schema: {
        operationId: 'correctDeadLetter',
        summary: 'Tries a record again with a corrected body; refused when the source has said something newer',
        tags,
        params: IdParams,
        body: Closed({
          text: Type.String({
            minLength: 2,
            maxLength: MAX_TEXT,
            description:
              'The record as it should have come, as JSON text: numbers keep their spelling, which JSON inside JSON would lose on the way.',
            examples: ['{"id": 9223372036854775807}'],
          }),
          reason: Type.Optional(Text('Why.')),
        }),
        response: { 200: Requeued },
      },
    },
    async ({ params, body, caller }) => {
      const { text, ...why } = body
      const id = await findOpen(params.id)
      return hub.correctDeadLetter(id, readRecord(text), actorOf(caller, why))
    },
  )

  app.post(
    `${API}/dead-letters/:id/assign`,
    {
      config: { access: 'letters:operate', repeat: 'refused' },
      schema: {
        operationId: 'assignDeadLetter',
        summary: 'Says who looks after it, with a note',
        tags,
        params: IdParams,
        body: Closed({
          assignee: Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength: 200, pattern: '^[^\\u0000]*$' }),
          note: Type.Optional(
            Type.String({
              maxLength: 1_000,
              pattern: '^[^\\u0000]*$',
              description: 'What is known or was tried; without it the note stays, an empty one removes it.',
            }),
          ),
        }),
        response: { 200: DeadLetterDetail },
      },
    },
    async ({ params, body, caller }) => {
      const id = await findOpen(params.id)
      await hub.assignDeadLetter(id, { assignee: body.assignee, note: body.note ?? null }, actorOf(caller))
      return (await showDeadLetter(database, params.id))!
    },
  )

  app.post(
    `${API}/dead-letters/:id/discard`,
    {
      config: { access: 'letters:operate' },
      schema: {
        operationId: 'discardDeadLetter',
        summary: 'Gives a record up, with a reason',
        tags,
        params: IdParams,
        body: Closed({ reason: Text('Why.') }),
        response: { 200: Discarded },
      },
    },
    async ({ params, body, caller }) => hub.discardDeadLetters([await findOpen(params.id)], actorOf(caller, body)),
  )

  app.post(
    `${API}/dead-letters/preview`,
    {
      config: { access: 'letters:operate', repeat: 'anew' },
      schema: {
        operationId: 'previewDeadLetters',
        summary: 'Counts what a bulk action would touch, and changes nothing',
        tags,
        body: Closed({ filter: Filter }),
        response: { 200: Preview },
      },
    },
    async ({ body }) => {
      const [counted, sample] = await Promise.all([
        countSelection(database, openDeadLetters(body.filter)),
        sampleDeadLetters(database, body.filter, SAMPLE),
      ])
      const doubled = Object.entries(counted.byCode).filter(([code]) => mayHaveHappened(code))
      return { ...counted, duplicateRisk: doubled.reduce((sum, [, count]) => sum + count, 0), sample }
    },
  )

  app.post(
    `${API}/dead-letters/requeue`,
    {
      config: { access: 'letters:operate' },
      schema: {
        operationId: 'requeueDeadLetters',
        summary: 'Tries again what a preview counted, as a bulk action; refused when that has changed',
        tags,
        body: Confirmed,
        response: { 202: BulkAction },
      },
    },
    async ({ body, caller, claim }, reply) => {
      const { reason: _reason, ...confirmed } = body
      reply.code(202)
      return begin('dead_letters.requeue', confirmed, claim, actorOf(caller, body))
    },
  )

  app.post(
    `${API}/dead-letters/discard`,
    {
      config: { access: 'letters:operate' },
      schema: {
        operationId: 'discardDeadLetters',
        summary: 'Gives up what a preview counted, as a bulk action; refused when that has changed',
        tags,
        body: ConfirmedDiscard,
        response: { 202: BulkAction },
      },
    },
    async ({ body, caller, claim }, reply) => {
      const { reason: _reason, ...confirmed } = body
      reply.code(202)
      return begin('dead_letters.discard', confirmed, claim, actorOf(caller, body))
    },
  )
}
