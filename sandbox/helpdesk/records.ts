import type { Fields } from '../fields/index.ts'
import type { Row } from '../state/index.ts'

/** Helpdesk records have whole-number ids and times to the second, as ISO text in UTC. */
export type HelpdeskRecord = Row & { id: number; created_at: string; updated_at: string }

const system = {
  id: { type: 'integer', readOnly: true },
  created_at: { type: 'text', readOnly: true },
  updated_at: { type: 'text', readOnly: true },
  url: { type: 'text', readOnly: true },
} as const satisfies Fields

const TICKET: Fields = {
  ...system,
  subject: { type: 'text', required: true, max: 150 },
  description: { type: 'text' },
  status: { type: 'option', options: ['new', 'open', 'pending', 'hold', 'solved', 'closed'] },
  priority: { type: 'option', options: ['low', 'normal', 'high', 'urgent'] },
  type: { type: 'option', options: ['question', 'incident', 'problem', 'task'] },
  requester_id: { type: 'integer', required: true },
  assignee_id: { type: 'integer' },
  tags: { type: 'texts' },
  custom_fields: { type: 'list' },
  external_id: { type: 'text', max: 100 },
}

const AGENT: Fields = {
  ...system,
  name: { type: 'text', required: true, max: 120 },
  email: { type: 'email', required: true },
  phone: { type: 'text', max: 40 },
  role: { type: 'option', options: ['agent', 'lead', 'admin'] },
  group: { type: 'text', max: 80 },
  title: { type: 'text', max: 120 },
  locale: { type: 'option', options: ['pl', 'de', 'fr', 'en-GB'] },
  active: { type: 'boolean' },
  external_id: { type: 'text', max: 100 },
}

const REQUESTER: Fields = {
  ...system,
  name: { type: 'text', required: true, max: 120 },
  email: { type: 'email', required: true },
  phone: { type: 'text', max: 40 },
  organization: { type: 'text', max: 200 },
  locale: { type: 'option', options: ['pl', 'de', 'fr', 'en-GB'] },
  external_id: { type: 'text', max: 100 },
}

export type Resource = {
  /** Name of the table, of the path and of the list in an answer. */
  name: 'tickets' | 'agents' | 'requesters'
  /** The key one record is wrapped in, both ways. */
  wrapper: string
  fields: Fields
  unique: readonly string[]
  defaults: Record<string, unknown>
  firstId: number
}

export const RESOURCES: readonly Resource[] = [
  {
    name: 'tickets',
    wrapper: 'ticket',
    fields: TICKET,
    unique: [],
    defaults: { status: 'new', priority: 'normal', tags: [], custom_fields: [], assignee_id: null, external_id: null },
    firstId: 4001,
  },
  {
    name: 'agents',
    wrapper: 'agent',
    fields: AGENT,
    unique: ['email', 'external_id'],
    defaults: { role: 'agent', active: true, phone: null, group: null, title: null, external_id: null },
    firstId: 360_000_101,
  },
  {
    name: 'requesters',
    wrapper: 'requester',
    fields: REQUESTER,
    unique: ['email'],
    defaults: { phone: null, organization: null, external_id: null },
    firstId: 370_000_101,
  },
]

/** Now, to the second. */
export const seconds = (ms = Date.now()): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
