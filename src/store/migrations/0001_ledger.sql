-- The ledger. Postgres holds the truth; a queue job is only a wake-up call.
-- Everything lives in the schema the migrator creates and puts on the search path ("causeway").
-- Ids of records are text in the C collation: compared bytewise, never by the rules of a language.

-- One row per configured connection: its state, not its settings (those stay in files) and not its secrets.
create table connection (
  id            integer generated always as identity primary key,
  name          text not null unique collate "C",
  connector     text not null,
  state         text not null default 'active' check (state in ('active', 'paused', 'needs_authorisation', 'removed')),
  state_reason  text,
  state_since   timestamptz not null default now(),
  -- Set while the other side asked us to wait; a wait is shown as a wait, never as a failure.
  wait_until    timestamptz,
  wait_reason   text,
  max_per_second real
);

-- Secrets kept by the hub itself, AES-256-GCM, bound to connection and field by the additional data.
create table secret (
  connection    text not null collate "C",
  field         text not null collate "C",
  sealed        bytea not null,
  key_id        text not null,
  updated_at    timestamptz not null default now(),
  primary key (connection, field)
);

-- `seq` is the last sequence number given out; taking the row lock on it is the stream lock, held for a commit only.
create table stream (
  id            integer generated always as identity primary key,
  connection_id integer not null references connection,
  name          text not null collate "C",
  seq           bigint not null default 0,
  -- Where the next pull goes on; opaque JSON of the connector, kept as text.
  cursor        text,
  cursor_at     timestamptz,
  -- Fields kept in record_key for matching and joins; compared with what the syncs need at start.
  key_fields    text[] not null default '{}',
  -- The pull that was asked for or is under way; null = none. A hub that died in the middle goes on from `cursor`.
  pull_mode     text check (pull_mode in ('full', 'incremental')),
  pull_begun    boolean not null default false,
  pull_request  text,
  -- Number of the complete scan under way, and the seq it began at: what it did not meet, and is older, is gone. Not a time,
  -- because hubs and database need not agree on that.
  scan_id       bigint not null default 0,
  scan_began_seq bigint not null default 0,
  pull_failures integer not null default 0,
  next_pull_at  timestamptz,
  last_error    text,
  last_pull_at  timestamptz,
  last_success_at timestamptz,
  unique (connection_id, name)
) with (fillfactor = 50);

-- The change log: one row per record, a new seq with every change. No foreign key to stream, here and in other tables with
-- a row per record: the check costs a third of an insert, and streams are never deleted. No fillfactor: every change moves
-- seq, which is indexed, so no update could use the room that it would leave.
create table record (
  stream_id     integer not null,
  id            text not null collate "C",
  slice         smallint not null,
  seq           bigint not null,
  version       text collate "C",
  hash          text not null collate "C",
  -- JSON text as received (not jsonb: U+0000 and the spelling of numbers must survive); null after retention.
  body          text,
  content       text,
  deleted       boolean not null default false,
  first_seen_at timestamptz not null default now(),
  -- When the request that brought this state was sent; guards versionless records against older reads.
  observed_at   timestamptz not null,
  primary key (stream_id, id)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.1,
        autovacuum_analyze_scale_factor = 0.05, toast_tuple_target = 4080);
create index record_by_slice on record (stream_id, slice, seq);

-- Values of match and join fields, so that matching against the log is a batch look-up. The two indexes share no second
-- column: with (stream_id, field, value, record_id) as the key, Postgres read all of it to find the rows of a few records.
create table record_key (
  stream_id     integer not null,
  field         text not null collate "C",
  value         text not null collate "C",
  record_id     text not null collate "C",
  primary key (stream_id, record_id, field, value)
) with (autovacuum_vacuum_scale_factor = 0.02);
create index record_key_by_value on record_key (stream_id, field, value);

-- Ids met by a complete scan that is under way; what a finished scan did not meet is gone from the source.
create table scan_seen (
  stream_id     integer not null,
  scan_id       bigint not null,
  record_id     text not null collate "C",
  primary key (stream_id, scan_id, record_id)
) with (autovacuum_vacuum_scale_factor = 0.02);

create table sync (
  id            integer generated always as identity primary key,
  name          text not null unique collate "C",
  from_stream   integer not null references stream,
  to_stream     integer not null references stream,
  version       text not null,
  state         text not null default 'active' check (state in ('active', 'paused', 'removed')),
  state_reason  text,
  state_since   timestamptz not null default now(),
  last_error    text,
  -- How often in a row its lanes failed as a whole, and when they may try again.
  push_failures integer not null default 0,
  next_push_at  timestamptz,
  last_push_at  timestamptz,
  last_success_at timestamptz
);

-- The text behind every version that ever ran, for explain, history and diff.
create table mapping_version (
  version       text not null,
  sync          text not null collate "C",
  source        text not null,
  first_used_at timestamptz not null default now(),
  primary key (sync, version)
);

-- How far a sync has come in each slice of a stream it follows (its source, or a joined one).
create table sync_position (
  sync_id       integer not null,
  stream_id     integer not null,
  slice         smallint not null,
  seq           bigint not null default 0,
  primary key (sync_id, stream_id, slice)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500);

-- The state of one (sync, source record, part). Part '' is the record as a whole where a sync makes several parts.
create table delivery (
  sync_id       integer not null,
  record_id     text not null collate "C",
  part          text not null default '' collate "C",
  slice         smallint not null,
  state         text not null check (state in ('pending', 'delivered', 'unchanged', 'skipped', 'parked', 'in_doubt', 'dead', 'gone')),
  -- The seq of the source record this state speaks of; a lower one never replaces a higher one.
  source_seq    bigint not null,
  -- Last delivered values as JSON text: what the target is known to hold from us.
  delivered     text,
  attempts      integer not null default 0,
  next_attempt_at timestamptz,
  error         text,
  -- What a parked record waits for.
  parked_stream integer,
  parked_id     text collate "C",
  mapping_version text not null,
  run_id        bigint,
  updated_at    timestamptz not null default now(),
  primary key (sync_id, record_id, part)
) with (fillfactor = 75, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
create index delivery_due on delivery (sync_id, next_attempt_at) where next_attempt_at is not null;
-- Not "where state = 'parked'": state would then count as indexed, and no update of it could stay on its page (HOT).
create index delivery_parked on delivery (parked_stream, parked_id) where parked_id is not null;

-- Which records of joined streams a delivery was computed from; a change there makes it due again.
create table dependency (
  sync_id       integer not null,
  stream_id     integer not null,
  key           text not null collate "C",
  record_id     text not null collate "C",
  primary key (sync_id, stream_id, key, record_id)
);
create index dependency_by_record on dependency (sync_id, record_id);

-- A write about to be sent, committed before it is sent. Unique on what it would create or change, so two workers never
-- write one target record at the same time. An open intent whose lease is gone means: in doubt, look before sending.
create table intent (
  id            bigint generated always as identity primary key,
  target_stream integer not null,
  -- 'id:<target id>' for update and delete, 'key:<match key>' for create and upsert.
  target_key    text not null collate "C",
  sync_id       integer not null,
  record_id     text not null collate "C",
  part          text not null collate "C",
  operation     text not null,
  -- What the record can be looked for by, as JSON [{field, value}]: mapping and record may have changed when it is looked for.
  match_key     text not null,
  idempotency_key text not null,
  lease_name    text not null collate "C",
  lease_token   bigint not null,
  opened_at     timestamptz not null default now(),
  -- Set when an outcome stayed unknown: how often the target was asked since.
  looked_up     integer not null default 0,
  unique (target_stream, target_key)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 2000);
create index intent_by_record on intent (sync_id, record_id, part);

-- The cross-reference: records that are the same thing share an entity. The only home of target ids.
create sequence entity_id;
create table link (
  stream_id     integer not null,
  record_id     text not null collate "C",
  part          text not null default '' collate "C",
  entity_id     bigint not null,
  -- A merged, renamed or duplicate id: resolves to the entity, is never chosen as its record.
  alias         boolean not null default false,
  created_at    timestamptz not null default now(),
  primary key (stream_id, record_id, part)
) with (fillfactor = 90, autovacuum_vacuum_insert_scale_factor = 0.1);
create unique index link_by_entity on link (entity_id, stream_id) where not alias;

-- Webhooks as raw bytes, by day. Dedupe keys stand apart, because they outlive the partitions.
create table inbox (
  id            bigint generated always as identity,
  received_at   timestamptz not null default now(),
  connection_id integer not null,
  stream        text,
  event_id      text not null,
  headers       text not null,
  body          bytea not null,
  state         text not null default 'pending' check (state in ('pending', 'done', 'skipped', 'dead')),
  reason        text,
  attempts      integer not null default 0,
  next_attempt_at timestamptz default now(),
  primary key (id, received_at)
) partition by range (received_at);
-- Catches what comes before upkeep made the day's partition; normally empty.
create table inbox_default partition of inbox default;
create index inbox_pending on inbox (connection_id, id) where state = 'pending';

create table inbox_seen (
  connection_id integer not null,
  event_id      text not null collate "C",
  seen_at       timestamptz not null default now(),
  primary key (connection_id, event_id)
);

create table run (
  id            bigint generated always as identity primary key,
  kind          text not null check (kind in ('pull', 'push', 'inbox')),
  -- Runs that one request or schedule slot started together.
  request_id    text,
  trigger       text not null,
  stream_id     integer,
  sync_id       integer,
  lane          smallint,
  mode          text,
  mapping_version text,
  started_at    timestamptz not null default now(),
  heartbeat_at  timestamptz not null default now(),
  finished_at   timestamptz,
  outcome       text not null default 'running'
                check (outcome in ('running', 'success', 'partial', 'failed', 'held', 'cancelled', 'interrupted', 'unknown')),
  counts        jsonb not null default '{}',
  error         text
) with (fillfactor = 70);
create index run_by_start on run (started_at desc);
create index run_by_sync on run (sync_id, id desc);
create index run_by_stream on run (stream_id, id desc);
create index run_open on run (heartbeat_at) where outcome = 'running';

-- What needs a person. Holds a copy of what failed, because the log moves on.
create table dead_letter (
  id            bigint generated always as identity primary key,
  kind          text not null check (kind in ('pull', 'push', 'inbox')),
  stream_id     integer,
  sync_id       integer,
  record_id     text collate "C",
  part          text collate "C",
  source_seq    bigint,
  code          text not null,
  fingerprint   text not null,
  error         text not null,
  input         text,
  output        text,
  exchange      text,
  attempts      integer not null default 1,
  mapping_version text,
  run_id        bigint,
  state         text not null default 'open' check (state in ('open', 'requeued', 'resolved', 'discarded')),
  reason        text,
  actor         text,
  created_at    timestamptz not null default now(),
  closed_at     timestamptz
) with (fillfactor = 80);
create unique index dead_letter_open on dead_letter (kind, coalesce(sync_id, 0), coalesce(stream_id, 0), record_id, part) where state = 'open';
create index dead_letter_by_problem on dead_letter (code, fingerprint) where state = 'open';

-- What happened, batch by batch: one row holds the attempts of one batch, compressed. Dropped by day at retention.
create table journal (
  id            bigint generated always as identity,
  at            timestamptz not null default now(),
  kind          text not null,
  stream_id     integer,
  sync_id       integer,
  run_id        bigint,
  mapping_version text,
  -- crc32 of each record id in the batch, for "what happened to this record" without an index entry per record and field.
  record_hashes integer[] not null,
  -- Compressed JSON lines: record, part, outcome, input seq, output, before-image, error; then the exchanges of the batch.
  entries       bytea not null,
  primary key (id, at)
) partition by range (at);
create table journal_default partition of journal default;
alter table journal alter column entries set storage external;
create index journal_by_record on journal using gin (record_hashes);

-- Who may do a piece of work now. The token grows with every change of hands; ledger commits check it.
create table lease (
  name          text primary key collate "C",
  holder        text not null,
  token         bigint not null default 1,
  expires_at    timestamptz not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 500);

-- Each slot of a schedule fires once, however many instances look at the clock.
create table schedule_slot (
  schedule      text not null collate "C",
  slot          timestamptz not null,
  fired_at      timestamptz not null default now(),
  fired_by      text not null,
  primary key (schedule, slot)
);

-- What people did. Insert-only; each row carries the hash of the one before.
create table audit (
  id            bigint generated always as identity primary key,
  at            timestamptz not null default now(),
  actor         text not null,
  action        text not null,
  subject       text not null,
  detail        text not null,
  previous_hash text not null,
  hash          text not null
);

create function refuse_audit_change() returns trigger language plpgsql as $$
begin
  raise exception 'the audit log is insert-only' using errcode = 'insufficient_privilege';
end $$;
-- Against slips, not against a superuser: what he changes shows in the chain.
create trigger audit_insert_only before update or delete or truncate on audit
  for each statement execute function refuse_audit_change();
