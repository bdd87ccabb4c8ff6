import type { PendingLogin, ProbeStep, StreamInfo } from '../connector/index.ts'
import type { ErrorCode, JsonObject, JsonText } from '../core/index.ts'
import type { SyncDefinition } from '../mapping/index.ts'
import type { Actor } from './actor.ts'
import type { AlertServices } from './alert-services.ts'
import type { BulkServices } from './bulk-services.ts'
import type { AppliedConfiguration, ConfigurationRequest, RollBackPlan } from './configuration.ts'
import type { EntityServices } from './entity-services.ts'
import type {
  Applied,
  ApplyRequest,
  ComparisonRequest,
  Explanation,
  MappingComparison,
  Plan,
  PlanRequest,
  SavedTestCase,
  SaveTestRequest,
  Undone,
  Verification,
  VerifyRequest,
} from './plans.ts'
import type { CompletionItem, CompletionRequest, Trial, TrialRequest } from './playground.ts'
import type { RequestKeys } from './request-keys.ts'
import type { Setting } from './schemas/settings.ts'
import type { SecretServices } from './secret-services.ts'
import type { SupportServices } from './support-services.ts'

/** One thing that must work before the hub takes traffic. */
export type ReadinessCheck = { name: string; ok: boolean; detail?: string; code?: ErrorCode }

/** A connector of the catalogue. */
export type ConnectorDescription = {
  name: string
  title: string
  description: string | null
  version: string | null
  protocol: string
  /** JSON Schema of the settings a connection must give; secrets are marked. */
  settings: JsonObject
  streams: StreamInfo[]
}

/** A connection as the files define it; secrets are masked before they come here. */
export type ConnectionDefinition = { name: string; connector: string; file: string; settings: JsonObject }

/** The timetable of one stream or sync; `next` holds the coming slots, soonest first. */
export type ScheduleDescription = {
  /** The name under which slots are claimed in `schedule_slot`. */
  schedule: string
  sync: string | null
  stream: string | null
  kind: 'interval' | 'cron' | 'webhook' | 'manual'
  /** "every 15m", "0 2 * * *": as the file says it. */
  expression: string
  zone: string | null
  full: boolean
  next: Date[]
}

export type WebhookRequest = {
  connection: string
  stream: string | null
  method: 'GET' | 'POST'
  /** Path and query as they came. */
  path: string
  headers: Record<string, string>
  /** The query as sent; some vendors put their handshake there. */
  query: Record<string, string>
  /** The bytes as they came over the wire. */
  body: Buffer
}

/** `refused` covers wrong signatures and unknown connections alike, so that names cannot be probed. */
export type WebhookAnswer =
  | {
      status: 'accepted'
      events: number
      duplicates: number
      answer?: { status: number; headers: Record<string, string>; body: string }
    }
  | { status: 'handshake'; code: number; headers: Record<string, string>; body: string }
  | { status: 'refused' }

/** What came in at the webhook addresses of one connection since this process began; `connection` is null for unknown names. */
export type WebhookIntake = {
  connection: string | null
  stored: number
  duplicates: number
  handshakes: number
  refused: { code: ErrorCode; what: string; fix: string; count: number; lastAt: Date }[]
  lastAt: Date | null
}

/**
 * What the HTTP room needs of the running hub; implemented where the rooms are joined. Everything that only reads tables is
 * not here but in `store/views`. Methods throw `CausewayError`; names were checked against the ledger before they are called.
 */
export interface HubServices {
  /** Database, migrations, queue. Must answer in bounded time and never throw. */
  readiness(): Promise<ReadinessCheck[]>

  /** What bull-board's page reads of the queues; undefined where there is nothing under the path. */
  readQueueBoard(path: string, query: object): Promise<{ status: number; body: unknown } | undefined>

  /** What this process works with; secrets are masked before they come here. */
  settings(): Setting[]

  /** Asks for a pull of the sync's source and the push that follows. Returns when the wish is committed, not when it is done; `requestId` names it where it has a name already. */
  runSync(
    name: string,
    request: { full: boolean; trigger: string; actor: Actor; requestId?: string },
  ): Promise<{ requestId: string }>
  pauseSync(name: string, actor: Actor): Promise<void>
  resumeSync(name: string, actor: Actor): Promise<void>
  pauseConnection(name: string, actor: Actor): Promise<void>
  resumeConnection(name: string, actor: Actor): Promise<void>

  /** Answers what a run holds: approved deletions are carried out. Throws CSW-8008 when nothing of it is open. */
  decideHold(runId: number, approved: boolean, actor: Actor): Promise<{ records: number }>

  /** Decides open conflicts; `value` is JSON text. */
  resolveConflicts(
    ids: number[],
    said: { decision: 'from' | 'to' | 'value'; value: string | null },
    actor: Actor,
  ): Promise<{ decided: number }>

  /** A person has looked at a drift; what it held or paused goes on. Throws CSW-8008 when it is not open. */
  /** Lets a worker write the files of an analytics target now; gives the folder. Throws CSW-1007 where it has none. */
  writeAnalyticsFiles(target: string, actor: Actor): Promise<string>
  acceptDrift(id: number, actor: Actor): Promise<void>

  /** Puts open dead letters back to work. Those closed meanwhile are left alone and not counted. */
  requeueDeadLetters(ids: number[], actor: Actor): Promise<{ requeued: number }>
  /** Tries a record again with a body that a person corrected. Throws CSW-5013 when the source has said something newer. */
  correctDeadLetter(id: number, input: JsonText, actor: Actor): Promise<{ requeued: number }>
  assignDeadLetter(id: number, to: { assignee: string | null; note: string | null }, actor: Actor): Promise<void>
  /** Reads settled events again, by number; through one sync, or through all that follow. */
  replayEvents(
    choice: { ids: number[]; limit: number },
    sync: string | null,
    actor: Actor,
  ): Promise<{ replayed: number; notKept: number }>
  /** Erases a person everywhere in the hub. The value is written nowhere. */
  erase(
    subject: { field: string; value: string },
    actor: Actor,
  ): Promise<{ records: number; deadLetters: number; journal: number; events: number }>
  discardDeadLetters(ids: number[], actor: Actor): Promise<{ discarded: number }>

  /** Tries a webhook order now, also one whose outcome is unknown: a person has made sure that nothing is ordered there. */
  orderWebhookAgain(id: number, actor: Actor): Promise<void>

  /** Verifies the raw bytes and commits the events. Throws CSW-6001 or CSW-8006 when the sender must come back. */
  acceptWebhook(request: WebhookRequest): Promise<WebhookAnswer>
  webhookIntake(): WebhookIntake[]

  /** What a push would do, from the change log and reads alone. */
  planSync(name: string, request: PlanRequest, signal: AbortSignal): Promise<Plan>
  /** Compares what the mapping makes of the source with what the target really holds. */
  verifySync(name: string, request: VerifyRequest, signal: AbortSignal): Promise<Verification>
  /** Does what a plan says, or says what of it has moved since. Throws CSW-5017. */
  applyPlan(name: string, plan: ApplyRequest, actor: Actor, signal: AbortSignal): Promise<Applied>
  /** Gives what a run wrote its former values back, or with `plan` says what that would be. Throws CSW-5017, CSW-8008. */
  undoRun(
    runId: number,
    options: { plan: boolean; creations: boolean },
    actor: Actor,
    signal: AbortSignal,
  ): Promise<Undone>
  /** Works with the files, if they and what is in force are as they were planned. Throws CSW-8024, CSW-8025. */
  applyConfiguration(request: ConfigurationRequest, actor: Actor): Promise<AppliedConfiguration>
  /** What going back to a version means; `records` recorded inputs go through both texts of changed mappings. Throws CSW-8027. */
  planRollBack(version: number, records: number, signal: AbortSignal): Promise<RollBackPlan>
  /** Two texts of a mapping over the recorded inputs. */
  compareMapping(name: string, request: ComparisonRequest, signal: AbortSignal): Promise<MappingComparison>
  /** A record of the log as a test of the mapping, without its secrets and personal data. Throws CSW-1007, CSW-8008. */
  saveTest(name: string, request: SaveTestRequest, signal: AbortSignal): Promise<SavedTestCase>
  /** How a field of a target record came to be; undefined when the hub never wrote or matched it. */
  /** What a text of a mapping makes of one record. Writes and asks nothing. */
  tryMapping(name: string, request: TrialRequest, signal: AbortSignal): Promise<Trial>
  completeMapping(name: string, request: CompletionRequest): Promise<CompletionItem[]>
  explainTarget(target: { stream: string; id: string; field?: string }): Promise<Explanation | undefined>

  alerts: AlertServices
  bulk: BulkServices
  entities: EntityServices
  requestKeys: RequestKeys
  secrets: SecretServices
  support: SupportServices

  connectors(): readonly ConnectorDescription[]
  connections(): readonly ConnectionDefinition[]
  syncs(): readonly SyncDefinition[]
  schedules(count: number): readonly ScheduleDescription[]
  /** Walks DNS, TLS, authorisation and a first page of a connection, without writing. */
  probe(connection: string, signal: AbortSignal): Promise<ProbeStep[]>
  /** Where a person allows a connection. CSW-2003 where its credentials need nobody. `pending` is secret until `finishLogin`. */
  beginLogin(connection: string, redirectUri: string): Promise<{ url: string; pending: PendingLogin }>
  /** Gets and stores the tokens a person brought back, and lets the connection work. Throws CSW-3003. */
  finishLogin(
    connection: string,
    answer: { pending: PendingLogin; parameters: Record<string, string> },
    actor: Actor,
  ): Promise<void>
}
