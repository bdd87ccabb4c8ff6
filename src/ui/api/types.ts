/** What the API answers, taken from the server's own schemas, so that page and API cannot drift apart. Types only. */
import type { Static, TObject } from 'typebox'
import type { ProbeStep } from '../../connector/index.ts'
import type { SerializedError } from '../../core/index.ts'
import type {
  CompletionItem,
  ConnectorDescription,
  RollBackPlan as HubRollBackPlan,
  Setting as HubSetting,
  StoredSecret as HubStoredSecret,
  Trial as HubTrial,
  SavedTestCase,
  ScheduleDescription,
  WebhookIntake,
} from '../../http/index.ts'
import type * as Access from '../../http/schemas/access.ts'
import type { Problem as ProblemSchema } from '../../http/schemas/basics.ts'
import type * as Bulk from '../../http/schemas/bulk.ts'
import type * as Entities from '../../http/schemas/entities.ts'
import type * as Ledger from '../../http/schemas/ledger.ts'
import type { Worker as HubWorker } from '../../http/schemas/worker.ts'
import type {
  ActivityView,
  EventView,
  HourView,
  TimelineEntry as HubTimelineEntry,
  LimitHourView,
  SubscriptionView,
  showConfigurationVersion,
  Verbatim,
} from '../../store/views/index.ts'
import type { JsonText } from './json-text.ts'

/** A server value as it comes out of JSON: dates are text, verbatim JSON is kept as text. */
type Wire<T> = T extends Date
  ? string
  : T extends Verbatim
    ? JsonText
    : T extends readonly (infer Item)[]
      ? Wire<Item>[]
      : T extends object
        ? { [Key in keyof T]: Wire<T[Key]> }
        : T

export type Page<T> = { items: T[]; next: string | null }
export type Items<T> = { items: T[] }

export type Connection = Wire<Static<typeof Ledger.Connection>>
export type Stream = Wire<Static<typeof Ledger.Stream>>
export type ConnectionDetail = {
  connection: Connection
  definition: { file: string; settings: JsonText | null } | null
  streams: Stream[]
}
export type Probe = {
  ok: boolean
  steps: (Pick<ProbeStep, 'step' | 'ok' | 'detail'> & { code: string | null; fix: string | null })[]
}

export type Sync = Wire<Static<TObject<typeof Ledger.Sync>>>
export type SyncDetail = {
  sync: Sync & { deliveries: Record<string, number>; deliveriesEstimated: boolean }
  definition: { file: string; mode: string; deletes: string; lanes: number; tags: string[]; source: string } | null
}
export type RequestProgress = Omit<Wire<Static<typeof Ledger.RequestProgress>>, 'counts'> & { counts: JsonText }
export type Run = Wire<Static<typeof Ledger.Run>>
export type Drift = Wire<Static<typeof Ledger.Drift>>
export type Hold = Wire<Static<typeof Ledger.Hold>>
export type Queue = Wire<Static<typeof Ledger.Queue>>
export type Problem = Wire<Static<typeof Ledger.ProblemGroup>>
export type Schedule = Wire<ScheduleDescription> & { lastSlot: string | null; lastFiredAt: string | null }

export type FoundRecord = Wire<Static<typeof Ledger.FoundRecord>>
type RecordSchema = Wire<Static<typeof Ledger.Record>>
export type JournalEntry = Omit<RecordSchema['journal'][number], 'output' | 'before' | 'error'> & {
  output: JsonText | null
  before: JsonText | null
  error: JsonText | null
}
export type RecordDetail = Omit<RecordSchema, 'journal'> & { journal: JournalEntry[] }

export type DeadLetter = Wire<Static<typeof Ledger.DeadLetter>>
export type DeadLetterDetail = Wire<Static<typeof Ledger.DeadLetterDetail>>
export type BulkAction = Wire<Static<typeof Bulk.BulkAction>>
type Preview = { count: number; token: string }
export type LetterPreview = Preview & { byCode: Record<string, number>; duplicateRisk: number; sample: DeadLetter[] }
export type ConflictPreview = Preview & { byField: Record<string, number> }
export type EventPreview = Preview & { byState: Record<string, number> }

export type EntityType = { entity: string; title: string; streams: string[] }
export type EntityPicture = Wire<Static<typeof Entities.EntityPicture>>
type EntitySchema = Wire<Static<typeof Entities.Entity>>
export type EntityDetail = Omit<EntitySchema, 'timeline'> & {
  timeline: { at: string | null; kind: string; text: string; stream: string; id: string }[]
}
export type EntityReview = Wire<Static<typeof Entities.EntityReview>>
export type Conflict = Wire<Static<typeof Ledger.Conflict>>

export type WebhookEvent = Wire<EventView>
export type Intake = { since: string; items: Wire<WebhookIntake>[] }
export type Subscription = Wire<SubscriptionView>

type ConnectorSchema = Pick<ConnectorDescription, 'name' | 'title' | 'description' | 'version' | 'protocol'>
export type ConnectorSummary = ConnectorSchema & { streams: string[] }
export type ConnectorDetail = ConnectorSchema & {
  settings: JsonText
  streams: (Pick<ConnectorDescription['streams'][number], 'name' | 'title' | 'abilities'> & {
    description?: string
    readSchema?: JsonText
    writeSchema?: JsonText
  })[]
}
export type BegunLogin = { url: string; pending: { state: string; verifier: string; redirectUri: string } }

export type Trial = Omit<Wire<HubTrial>, 'parts' | 'input' | 'joins' | 'error' | 'origins'> & {
  parts: { part: string; values: JsonText | null }[]
  input: JsonText | null
  joins: JsonText | null
  error: JsonText | null
  origins: (Omit<HubTrial['origins'][number], 'reads'> & { reads: { path: string; value: JsonText | null }[] })[]
}
export type Suggestion = CompletionItem
export type SavedTest = SavedTestCase
export type NewestRecord = { id: string; observedAt: string }

export type Activity = Wire<ActivityView>
export type Hour = Wire<HourView>
export type LimitHour = Wire<LimitHourView>
export type AuditEntry = {
  id: number
  at: string
  actor: string
  action: string
  subject: string
  detail: JsonText | null
  hash: string
}
export type TimelineEntry = Wire<HubTimelineEntry>
export type AuditVerdict = { ok: boolean; rows: number; head: string; brokenAt: number | null; reason: string | null }
type VersionDetail = NonNullable<Awaited<ReturnType<typeof showConfigurationVersion>>>
export type ConfigurationVersionDetail = Wire<VersionDetail>
export type ConfigurationVersion = Omit<ConfigurationVersionDetail, 'kept'>
export type ConfigurationDifferences = {
  from: number
  to: number
  files: { path: string; change: 'added' | 'changed' | 'removed'; masked: boolean; patch: string | null }[]
}
export type RollBackPlan = HubRollBackPlan
export type PlannedItemChange = HubRollBackPlan['configuration'][number]
export type ConfigurationItem = {
  kind: 'connection' | 'connector' | 'sync'
  name: string
  fields: Record<string, string>
  digest: string
  since: string
  source: string | null
}

export type System = {
  version: string
  node: string
  startedAt: string
  checks: { name: string; ok: boolean; detail?: string; code?: string }[]
}

/** `withheld`: the scope that shows what a system or a record said, where who asks lacks it. */
export type StoredError = Partial<Omit<SerializedError, 'code'>> & { code?: string; withheld?: string }
export type ApiProblem = Static<typeof ProblemSchema>

/** Who makes the requests. */
export type Me = Wire<Static<typeof Access.Me>>
export type LoginMethods = { password: boolean; provider: string | null }

export type Worker = Wire<HubWorker>
export type User = Wire<Static<typeof Access.User>>
export type Token = Wire<Static<typeof Access.Token>>
export type MadeToken = Wire<Static<typeof Access.MadeToken>>
export type Setting = HubSetting
export type StoredSecret = Wire<HubStoredSecret>
export type StoredSecrets = { holders: string[]; items: StoredSecret[] }
type Snooze = { until: string; actor: string; reason: string | null }
export type AlertRoute = {
  name: string
  kind: string
  tell: string[]
  severity: string
  syncs: string[]
  connections: string[]
  waiting: number
  lastSentAt: string | null
  lastError: JsonText | null
  snooze: Snooze | null
}
export type OpenAlert = { key: string; kind: string; since: string; content: JsonText; snooze: Snooze | null }
