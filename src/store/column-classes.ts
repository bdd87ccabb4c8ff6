/**
 * Whose words every text column of the ledger holds. The one list of it: an erasure takes a person out of what stands under `words`, and
 * tests hold that the list names every column, that readers of the hub without `records:read` are shown nothing of `words` and `content`,
 * and that an erased person is in neither.
 *
 * - `ours`: the hub, its files, and the people who run it: names, states, codes, notes.
 * - `ids`: keys of records as systems give them. They outlive an erasure, so that nothing is made twice.
 * - `words`: what systems said when something failed. They may quote a record.
 * - `content`: records, and what was made of them.
 * - `sealed`: secrets, sealed or as hashes, and hashes of contents.
 */
export const COLUMN_CLASSES: Readonly<Record<string, Partial<Record<ColumnClass, string>>>> = {
  alert_message: { ours: 'id route subject_key change content state folded_into', words: 'error' },
  alert_snooze: { ours: 'scope actor reason' },
  alert_subject: { ours: 'key kind state content' },
  analytics_files: { ours: 'target', words: 'error' },
  analytics_reader: { ours: 'schema_name role' },
  analytics_table: { ours: 'target schema_name name columns history_columns', words: 'error' },
  api_token: { ours: 'name prefix role scopes created_by', sealed: 'hash' },
  audit: { ours: 'actor action subject detail', sealed: 'previous_hash hash' },
  bulk_action: { ours: 'kind said filter state actor reason request_key request aborted_by', words: 'error' },
  change_trace: { ours: 'traceparent' },
  configuration: { ours: 'kind name fields source' },
  configuration_file: { ours: 'content', sealed: 'digest' },
  configuration_version: { ours: 'environment how actor host reason changes', sealed: 'digest' },
  configuration_version_file: { ours: 'path', sealed: 'digest' },
  configuration_version_mapping: { ours: 'sync mapping_version' },
  conflict: {
    ours: 'field side state decision actor note',
    ids: 'from_id to_id',
    content: 'base from_value to_value value',
  },
  connection: { ours: 'name connector state state_reason wait_reason', sealed: 'refused_with' },
  correction: { ours: 'actor', ids: 'record_id', content: 'body' },
  dead_letter: {
    ours: 'kind code fingerprint mapping_version state reason actor assignee',
    ids: 'record_id part',
    words: 'error exchange',
    // A note is a person's, and often about the one whose record it is.
    content: 'input output note',
  },
  delivery: { ours: 'state mapping_version', ids: 'record_id part parked_id', words: 'error', content: 'delivered' },
  dependency: { ids: 'key record_id' },
  drift: { ours: 'changes state actor' },
  entity_event: { ours: 'type part kind', ids: 'record_id key', content: 'text' },
  entity_history: { ours: 'action actor', ids: 'detail' },
  entity_review: { ours: 'type kind reasons state actor note', ids: 'left_id right_id' },
  entity_version: { ours: 'type version' },
  erasure: { ours: 'field actor counts', sealed: 'value_hash' },
  feed: { ours: 'kind about' },
  former_link: { ids: 'record_id part target_id' },
  held_record: { ids: 'record_id' },
  hold: { ours: 'kind reason state actor note' },
  hub_user: { ours: 'name role issuer subject', sealed: 'password' },
  identity: { ours: 'type', ids: 'record_id', content: 'shown keys' },
  identity_key: { ours: 'type', ids: 'record_id', content: 'key' },
  identity_position: { ours: 'type part version' },
  inbox: { ours: 'stream state', ids: 'event_id', words: 'reason', content: 'headers body' },
  inbox_seen: { ids: 'event_id', sealed: 'body_digest' },
  intent: {
    ours: 'operation idempotency_key lease_name',
    ids: 'target_key record_id part job',
    content: 'match_key guards sent',
  },
  journal: { ours: 'kind mapping_version', content: 'entries' },
  lease: { ours: 'name holder', ids: 'suspect' },
  limit_use: { ours: 'key' },
  link: { ids: 'record_id part' },
  login_failure: { sealed: 'key' },
  mapping_version: { ours: 'version sync source' },
  migration: { ours: 'name', sealed: 'hash' },
  pending_login: { sealed: 'state_hash' },
  quota: { ours: 'key state' },
  record: { ids: 'id version', sealed: 'hash field_hashes', content: 'body content' },
  record_key: { ours: 'field', ids: 'record_id', content: 'value' },
  // Answers are kept without words; those with records not at all.
  request_key: { ours: 'actor key id operation body', sealed: 'request' },
  run: { ours: 'kind request_id trigger mode mapping_version outcome counts times', words: 'error' },
  scan_page: { ids: 'record_ids' },
  schedule_slot: { ours: 'schedule fired_by' },
  secret: { ours: 'connection field key_id', sealed: 'sealed' },
  stream: {
    ours: 'name key_fields pull_mode pull_request shape keeping kept_fields keys_missing',
    // Where the next read begins: often the key of the last record.
    ids: 'cursor',
    words: 'last_error',
  },
  sync: { ours: 'name version state state_reason', words: 'last_error' },
  user_session: { sealed: 'hash' },
  webhook_subscription: { ours: 'stream url events state', ids: 'remote_id', words: 'error' },
  worker: { ours: 'id' },
}

export type ColumnClass = 'ours' | 'ids' | 'words' | 'content' | 'sealed'

/** The columns of a class, in the order of their tables. */
export const columnsOf = (kind: ColumnClass): { table: string; column: string }[] =>
  Object.entries(COLUMN_CLASSES).flatMap(([table, classes]) =>
    (classes[kind]?.split(' ') ?? []).map((column) => ({ table, column })),
  )
