import { Type } from 'typebox'
import { verifyAudit } from '../../store/index.ts'
import { hasAuditHash, listAudit } from '../../store/views/index.ts'
import { API, type App, type RouteContext } from '../app.ts'
import {
  Closed,
  DEFAULT_LIMIT,
  MaybeInteger,
  MaybeText,
  Moment,
  PageOf,
  paging,
  Text,
  Time,
} from '../schemas/basics.ts'

const tags = ['audit']
/** A chain of millions of rows is followed row by row. */
const VERIFY_MS = 600_000

const Entry = Closed({
  id: Type.Integer(),
  at: Time,
  actor: Type.String({
    description: '`user:ada`, `token:ci`, `admin` (the admin token), `cli:name` (a command on the machine).',
  }),
  action: Type.String(),
  subject: Type.String(),
  detail: Type.Record(Type.String(), Type.Unknown(), { description: 'Particulars; never a secret.' }),
  hash: Type.String({ description: 'Over this row and, through it, all before it.' }),
})
const Verdict = Closed({
  ok: Type.Boolean(),
  rows: Type.Integer({ description: 'Rows that are in order.' }),
  head: Type.String({
    description: 'Hash of the last of them. Kept elsewhere, it shows later whether rows were taken off the end.',
  }),
  brokenAt: MaybeInteger,
  reason: MaybeText,
})

/** Who did what. */
export function auditRoutes(app: App, { database }: RouteContext): void {
  app.get(
    `${API}/audit`,
    {
      config: { access: 'audit:read' },
      schema: {
        operationId: 'listAudit',
        summary: 'What people and programs did, newest first',
        tags,
        querystring: Closed({
          ...paging,
          actor: Type.Optional(Text('Only what they did.', 'user:ada')),
          action: Type.Optional(Text('Only this.', 'sync.pause')),
          subject: Type.Optional(Text('Only on this.', 'sync:contacts')),
          id: Type.Optional(Type.Integer({ minimum: 1, description: 'Only this entry.' })),
          since: Type.Optional(Moment('At or after.')),
          until: Type.Optional(Moment('Before.')),
        }),
        response: { 200: PageOf(Entry) },
      },
    },
    ({ query }) => listAudit(database, { ...query, limit: query.limit ?? DEFAULT_LIMIT }),
  )

  app.get(
    `${API}/audit/verification`,
    {
      handlerTimeout: VERIFY_MS,
      config: { access: 'audit:read' },
      schema: {
        operationId: 'verifyAudit',
        summary: 'Follows the chain of hashes through the whole audit',
        tags,
        querystring: Closed({
          head: Type.Optional(
            Text('Hash noted earlier, which the chain must still hold.', 'b5bb9d8014a0f9b1d61e21e796d78dcc'),
          ),
        }),
        response: { 200: Verdict },
      },
    },
    async ({ query }) => {
      const check = await verifyAudit(database)
      const isCut = check.ok && query.head !== undefined && !(await hasAuditHash(database, query.head))
      const cut = { ok: false, reason: 'the row with the noted hash is not there any more' }
      return { brokenAt: null, reason: null, ...check, ...(isCut ? cut : {}) }
    },
  )
}
