import { Type } from 'typebox'
import { CausewayError } from '../../core/index.ts'
import { REVIEW_STATES } from '../../store/views/index.ts'
import { API, type App, type RouteContext } from '../app.ts'
import { notFound } from '../problem.ts'
import { Closed, DEFAULT_LIMIT, IdParams, ListOf, paging, ReasonBody, Text } from '../schemas/basics.ts'
import { Entity, EntityPicture, EntityReview } from '../schemas/entities.ts'
import { actorOf } from './actor.ts'

const tags = ['entities']
const Params = Closed({ entity: Text('Name of the entity type, as in its file.', 'customer') })
const OneParams = Closed({ entity: Text('Name of the entity type.', 'customer'), id: IdParams.properties.id })
const OneRecord = Closed({ stream: Text('`connection:stream`', 'crm:contacts'), id: Text('The id of the record.') })
const Reason = Type.Optional(Text('Why, for the audit trail.', 'the vendor asked for it'))
const MOST_PAIRS = 5_000

/** Which records of several systems are the same thing: one picture of each, and what persons decide about it. */
export function entityRoutes(app: App, { hub }: RouteContext): void {
  app.get(
    `${API}/entities`,
    {
      config: { access: 'hub:read' },
      schema: {
        operationId: 'listEntityTypes',
        summary: 'The entity types of the hub, with the streams whose records belong to them',
        tags,
        response: {
          200: ListOf(Closed({ entity: Type.String(), title: Type.String(), streams: Type.Array(Type.String()) })),
        },
      },
    },
    async () => ({ items: [...hub.entities.types()] }),
  )

  app.get(
    `${API}/entities/:entity`,
    {
      config: { access: 'records:read' },
      schema: {
        operationId: 'searchEntities',
        summary: 'Finds entities by an e-mail address, a number, an id, or the beginnings of words of a name',
        tags,
        params: Params,
        querystring: Closed({ q: Text('What is sought.', 'ada@example.org'), limit: paging.limit }),
        response: { 200: ListOf(EntityPicture) },
      },
    },
    async ({ params, query }) => ({
      items: await hub.entities.search(params.entity, query.q, query.limit ?? DEFAULT_LIMIT),
    }),
  )

  app.get(
    `${API}/entities/:entity/:id`,
    {
      // A look at masked values is audited.
      config: { access: 'records:read', unshared: true },
      schema: {
        operationId: 'showEntity',
        summary: 'One picture of an entity: its records in all systems, what happened, what is under way',
        tags,
        params: OneParams,
        querystring: Closed({
          reveal: Type.Optional(Type.Boolean({ description: 'Shows masked values, which is audited.' })),
        }),
        response: { 200: Entity },
      },
    },
    async ({ params, query, caller }) => {
      if (query.reveal && !caller?.scopes.has('records:reveal'))
        throw new CausewayError('CSW-8011', {
          what: 'To see masked values needs the scope records:reveal, which the role editor has.',
        })
      const options = { reveal: query.reveal ?? false, actor: actorOf(caller) }
      const found = await hub.entities.show(params.entity, Number(params.id), options)
      if (!found)
        throw notFound(`There is no ${params.entity} ${params.id}.`, 'Search by key under `/api/v1/entities/TYPE?q=`.')
      return found
    },
  )

  app.get(
    `${API}/entity-reviews`,
    {
      config: { access: 'records:read' },
      schema: {
        operationId: 'listEntityReviews',
        summary: 'Pairs of records of which a person is to say whether they are the same',
        tags,
        querystring: Closed({
          entity: Type.Optional(Text('Only this type.', 'customer')),
          state: Type.Optional(Type.Enum([...REVIEW_STATES])),
          after: Type.Optional(Type.Integer({ minimum: 0, description: 'The last number of the page before.' })),
          limit: paging.limit,
        }),
        response: { 200: ListOf(EntityReview) },
      },
    },
    async ({ query }) => ({ items: await hub.entities.reviews({ ...query, limit: query.limit ?? DEFAULT_LIMIT }) }),
  )

  for (const [verb, confirmed] of [
    ['confirm', true],
    ['reject', false],
  ] as const)
    app.post(
      `${API}/entity-reviews/:id/${verb}`,
      {
        config: { access: 'entities:decide' },
        schema: {
          operationId: `${verb}EntityReview`,
          summary: confirmed
            ? 'They are the same: their entities become one'
            : 'They are two, and are never proposed again',
          tags,
          params: IdParams,
          body: ReasonBody,
          response: { 200: Closed({ entity: Type.String(), id: Type.Integer() }) },
        },
      },
      ({ params, body, caller }) => hub.entities.decide(Number(params.id), confirmed, actorOf(caller, body)),
    )

  app.post(
    `${API}/entities/:entity/:id/merge`,
    {
      config: { access: 'entities:decide' },
      schema: {
        operationId: 'mergeEntities',
        summary: 'Makes another entity part of this one',
        tags,
        params: OneParams,
        body: Closed({
          from: Type.Integer({ minimum: 1, description: 'The entity that is taken over.' }),
          reason: Reason,
        }),
        response: { 200: Closed({ records: Type.Integer() }) },
      },
    },
    ({ params, body, caller }) =>
      hub.entities.merge(params.entity, Number(params.id), body.from, actorOf(caller, body)),
  )

  app.post(
    `${API}/entities/:entity/:id/split`,
    {
      config: { access: 'entities:decide' },
      schema: {
        operationId: 'splitEntity',
        summary: 'Takes records out of an entity into a new one, and keeps them apart',
        tags,
        params: OneParams,
        body: Closed({ records: Type.Array(OneRecord, { minItems: 1, maxItems: 100 }), reason: Reason }),
        response: { 200: Closed({ id: Type.Integer({ description: 'The new entity.' }) }) },
      },
    },
    ({ params, body, caller }) =>
      hub.entities.split(params.entity, Number(params.id), body.records, actorOf(caller, body)),
  )

  app.post(
    `${API}/entities/:entity/import`,
    {
      config: { access: 'entities:decide' },
      schema: {
        operationId: 'importEntityLinks',
        summary: 'Takes over pairs of an existing cross-reference',
        tags,
        params: Params,
        body: Closed({
          pairs: Type.Array(Closed({ left: OneRecord, right: OneRecord }), { minItems: 1, maxItems: MOST_PAIRS }),
          reason: Reason,
        }),
        response: {
          200: Closed({
            linked: Type.Integer(),
            known: Type.Integer(),
            refused: Type.Array(
              Closed({ at: Type.Integer({ description: 'Place in `pairs`, from 0.' }), why: Type.String() }),
            ),
          }),
        },
      },
    },
    ({ params, body, caller }) => hub.entities.import(params.entity, body.pairs, actorOf(caller, body)),
  )
}
