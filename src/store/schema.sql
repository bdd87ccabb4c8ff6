-- Printed by scripts/print-schema.ts from the migrations; not run by anybody. Change a migration, not this file.

create table alert_message (
  id text collate "C" not null,
  seq bigint generated always as identity not null,
  route text collate "C" not null,
  subject_key text collate "C",
  round integer,
  change text not null,
  content text not null,
  state text default 'waiting'::text not null,
  attempts integer default 0 not null,
  next_at timestamp with time zone default now() not null,
  first_tried_at timestamp with time zone,
  ended_at timestamp with time zone,
  error text,
  created_at timestamp with time zone default now() not null,
  folded_into text collate "C",
  constraint alert_message_change_check CHECK ((change = ANY (ARRAY['opened'::text, 'reopened'::text, 'recovered'::text, 'digest'::text]))),
  constraint alert_message_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'sent'::text, 'given_up'::text, 'cancelled'::text, 'folded'::text]))),
  constraint alert_message_pkey PRIMARY KEY (id),
  constraint alert_message_seq_key UNIQUE (seq)
);
CREATE INDEX alert_message_of_subject ON alert_message USING btree (subject_key, round);
CREATE INDEX alert_message_waiting ON alert_message USING btree (route, seq) WHERE (state = 'waiting'::text);

create table alert_snooze (
  scope text collate "C" not null,
  until timestamp with time zone not null,
  actor text not null,
  reason text,
  created_at timestamp with time zone default now() not null,
  constraint alert_snooze_pkey PRIMARY KEY (scope)
);

create table alert_subject (
  key text collate "C" not null,
  kind text not null,
  state text not null,
  round integer not null,
  content text not null,
  first_seen_at timestamp with time zone not null,
  seen_at timestamp with time zone not null,
  over_at timestamp with time zone,
  constraint alert_subject_kind_check CHECK ((kind = ANY (ARRAY['problem'::text, 'late'::text, 'authorisation'::text]))),
  constraint alert_subject_state_check CHECK ((state = ANY (ARRAY['new'::text, 'open'::text, 'over'::text]))),
  constraint alert_subject_pkey PRIMARY KEY (key)
);

create table analytics_files (
  target text collate "C" not null,
  written_at timestamp with time zone not null,
  error text,
  constraint analytics_files_pkey PRIMARY KEY (target)
);

create table analytics_reader (
  schema_name text collate "C" not null,
  role text collate "C" not null,
  constraint analytics_reader_pkey PRIMARY KEY (schema_name, role)
);

create table analytics_table (
  target text collate "C" not null,
  schema_name text collate "C" not null,
  name text collate "C" not null,
  stream_id integer not null,
  columns text not null,
  history_columns text,
  position bigint default 0 not null,
  error text,
  changed_at timestamp with time zone default now() not null,
  constraint analytics_table_pkey PRIMARY KEY (schema_name, name)
);
CREATE INDEX analytics_table_by_stream ON analytics_table USING btree (stream_id);

create table api_token (
  id bigint generated always as identity not null,
  name text not null,
  prefix text not null,
  hash bytea not null,
  role text not null,
  scopes text[],
  created_by text not null,
  created_at timestamp with time zone default now() not null,
  expires_at timestamp with time zone,
  last_used_at timestamp with time zone,
  revoked_at timestamp with time zone,
  constraint api_token_role_check CHECK ((role = ANY (ARRAY['viewer'::text, 'operator'::text, 'editor'::text, 'admin'::text]))),
  constraint api_token_pkey PRIMARY KEY (id),
  constraint api_token_hash_key UNIQUE (hash)
);
CREATE UNIQUE INDEX api_token_live_name ON api_token USING btree (name) WHERE (revoked_at IS NULL);

create table audit (
  id bigint generated always as identity not null,
  at timestamp with time zone default now() not null,
  actor text not null,
  action text not null,
  subject text not null,
  detail text not null,
  previous_hash text not null,
  hash text not null,
  constraint audit_pkey PRIMARY KEY (id)
);
CREATE INDEX audit_by_action ON audit USING btree (action, id DESC);
CREATE INDEX audit_by_actor ON audit USING btree (actor, id DESC);
CREATE INDEX audit_by_subject ON audit USING btree (subject, id DESC);
CREATE INDEX audit_by_time ON audit USING btree (at DESC, id DESC);
CREATE TRIGGER audit_insert_only BEFORE DELETE OR UPDATE OR TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

create table bulk_action (
  id bigint generated always as identity not null,
  kind text not null,
  said text,
  filter text not null,
  state text default 'running'::text not null,
  actor text not null,
  reason text,
  total integer not null,
  done integer default 0 not null,
  passed_over integer default 0 not null,
  failed integer default 0 not null,
  error text,
  request_key text collate "C",
  request text,
  aborted_by text,
  created_at timestamp with time zone default now() not null,
  changed_at timestamp with time zone default now() not null,
  ended_at timestamp with time zone,
  constraint bulk_action_kind_check CHECK ((kind = ANY (ARRAY['dead_letters.requeue'::text, 'dead_letters.discard'::text, 'conflicts.resolve'::text, 'events.replay'::text]))),
  constraint bulk_action_state_check CHECK ((state = ANY (ARRAY['running'::text, 'done'::text, 'aborted'::text]))),
  constraint bulk_action_pkey PRIMARY KEY (id),
  constraint bulk_action_request_key_key UNIQUE (request_key)
) with (fillfactor=50);
CREATE INDEX bulk_action_running ON bulk_action USING btree (id) WHERE (state = 'running'::text);
CREATE TRIGGER feed_bulk AFTER INSERT OR UPDATE ON bulk_action FOR EACH ROW EXECUTE FUNCTION feed_bulk();

create table bulk_part (
  id bigint generated always as identity not null,
  action_id bigint not null,
  ids bigint[] not null,
  constraint bulk_part_action_id_fkey FOREIGN KEY (action_id) REFERENCES bulk_action(id) ON DELETE CASCADE,
  constraint bulk_part_pkey PRIMARY KEY (id)
);
CREATE INDEX bulk_part_of_action ON bulk_part USING btree (action_id, id);

create table change_trace (
  stream_id integer not null,
  seq bigint not null,
  traceparent text not null,
  at timestamp with time zone default now() not null,
  constraint change_trace_pkey PRIMARY KEY (stream_id, seq)
);
CREATE INDEX change_trace_at ON change_trace USING btree (at);

create table configuration (
  kind text not null,
  name text collate "C" not null,
  fields text not null,
  since timestamp with time zone default now() not null,
  source text,
  constraint configuration_kind_check CHECK ((kind = ANY (ARRAY['connection'::text, 'connector'::text, 'entity'::text, 'sync'::text]))),
  constraint configuration_pkey PRIMARY KEY (kind, name)
);
CREATE TRIGGER feed_configuration AFTER INSERT OR DELETE OR UPDATE ON configuration FOR EACH ROW EXECUTE FUNCTION feed_note('configuration.changed');

create table configuration_file (
  digest text not null,
  content bytea not null,
  constraint configuration_file_pkey PRIMARY KEY (digest)
);

create table configuration_version (
  id bigint generated always as identity not null,
  at timestamp with time zone default now() not null,
  digest text not null,
  environment text,
  how text not null,
  actor text not null,
  host text not null,
  reason text,
  back_to bigint,
  changes text not null,
  constraint configuration_version_how_check CHECK ((how = ANY (ARRAY['start'::text, 'edit'::text, 'plan'::text, 'roll_back'::text]))),
  constraint configuration_version_pkey PRIMARY KEY (id)
);

create table configuration_version_file (
  version_id bigint not null,
  path text collate "C" not null,
  digest text not null,
  masked boolean not null,
  constraint configuration_version_file_digest_fkey FOREIGN KEY (digest) REFERENCES configuration_file(digest),
  constraint configuration_version_file_version_id_fkey FOREIGN KEY (version_id) REFERENCES configuration_version(id) ON DELETE CASCADE,
  constraint configuration_version_file_pkey PRIMARY KEY (version_id, path)
);
CREATE INDEX configuration_version_file_digest ON configuration_version_file USING btree (digest);

create table configuration_version_mapping (
  version_id bigint not null,
  sync text collate "C" not null,
  mapping_version text not null,
  constraint configuration_version_mapping_version_id_fkey FOREIGN KEY (version_id) REFERENCES configuration_version(id) ON DELETE CASCADE,
  constraint configuration_version_mapping_pkey PRIMARY KEY (version_id, sync)
);
CREATE INDEX configuration_version_mapping_sync ON configuration_version_mapping USING btree (sync, mapping_version);

create table conflict (
  id bigint generated always as identity not null,
  sync_id integer not null,
  from_id text collate "C" not null,
  to_id text collate "C" not null,
  field text collate "C" not null,
  side text not null,
  base text,
  from_value text,
  to_value text,
  state text default 'open'::text not null,
  decision text,
  value text,
  actor text,
  note text,
  found_at timestamp with time zone default now() not null,
  closed_at timestamp with time zone,
  constraint conflict_decision_check CHECK ((decision = ANY (ARRAY['from'::text, 'to'::text, 'value'::text]))),
  constraint conflict_side_check CHECK ((side = ANY (ARRAY['from'::text, 'to'::text]))),
  constraint conflict_state_check CHECK ((state = ANY (ARRAY['open'::text, 'decided'::text, 'settled'::text]))),
  constraint conflict_pkey PRIMARY KEY (id)
);
CREATE INDEX conflict_by_target ON conflict USING btree (sync_id, to_id) WHERE (state <> 'settled'::text);
CREATE UNIQUE INDEX conflict_standing ON conflict USING btree (sync_id, from_id, to_id, field) WHERE (state <> 'settled'::text);
CREATE INDEX conflict_unsettled ON conflict USING btree (state, id) WHERE (state <> 'settled'::text);
CREATE TRIGGER feed_conflicts_changed AFTER UPDATE ON conflict REFERENCING OLD TABLE AS before_it NEW TABLE AS after_it FOR EACH STATEMENT EXECUTE FUNCTION feed_cases_changed('conflict');
CREATE TRIGGER feed_conflicts_made AFTER INSERT ON conflict REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION feed_cases_made('conflict');

create table connection (
  id integer generated always as identity not null,
  name text collate "C" not null,
  connector text not null,
  state text default 'active'::text not null,
  state_reason text,
  state_since timestamp with time zone default now() not null,
  wait_until timestamp with time zone,
  wait_reason text,
  max_per_second real,
  refused_with text,
  constraint connection_state_check CHECK ((state = ANY (ARRAY['active'::text, 'paused'::text, 'needs_authorisation'::text, 'removed'::text]))),
  constraint connection_pkey PRIMARY KEY (id),
  constraint connection_name_key UNIQUE (name)
);
CREATE TRIGGER feed_connection_changed AFTER UPDATE OF state, wait_until ON connection FOR EACH ROW WHEN (((old.state IS DISTINCT FROM new.state) OR (new.wait_until > (COALESCE(old.wait_until, '-infinity'::timestamp with time zone) + '00:00:05'::interval)) OR ((new.wait_until IS NULL) <> (old.wait_until IS NULL)))) EXECUTE FUNCTION feed_connection();
CREATE TRIGGER feed_connection_made AFTER INSERT ON connection FOR EACH ROW EXECUTE FUNCTION feed_connection();

create table correction (
  sync_id integer not null,
  record_id text collate "C" not null,
  source_seq bigint not null,
  body text not null,
  actor text not null,
  corrected_at timestamp with time zone default now() not null,
  constraint correction_pkey PRIMARY KEY (sync_id, record_id)
);

create table dead_letter (
  id bigint generated always as identity not null,
  kind text not null,
  stream_id integer,
  sync_id integer,
  record_id text collate "C",
  part text collate "C",
  source_seq bigint,
  code text not null,
  fingerprint text not null,
  error text not null,
  input text,
  output text,
  exchange text,
  attempts integer default 1 not null,
  mapping_version text,
  run_id bigint,
  state text default 'open'::text not null,
  reason text,
  actor text,
  created_at timestamp with time zone default now() not null,
  closed_at timestamp with time zone,
  connection_id integer,
  assignee text,
  note text,
  constraint dead_letter_kind_check CHECK ((kind = ANY (ARRAY['pull'::text, 'push'::text, 'inbox'::text]))),
  constraint dead_letter_state_check CHECK ((state = ANY (ARRAY['open'::text, 'requeued'::text, 'resolved'::text, 'discarded'::text]))),
  constraint dead_letter_pkey PRIMARY KEY (id)
) with (fillfactor=80);
CREATE INDEX dead_letter_by_problem ON dead_letter USING btree (code, fingerprint) WHERE (state = 'open'::text);
CREATE INDEX dead_letter_by_state ON dead_letter USING btree (state, created_at, id);
CREATE UNIQUE INDEX dead_letter_open ON dead_letter USING btree (kind, COALESCE(sync_id, 0), COALESCE(stream_id, 0), record_id, part) WHERE (state = 'open'::text);
CREATE INDEX dead_letter_open_counts ON dead_letter USING btree (sync_id, stream_id, connection_id, kind, code, fingerprint, created_at, id) WHERE (state = 'open'::text);
CREATE TRIGGER feed_letters_changed AFTER UPDATE ON dead_letter REFERENCING OLD TABLE AS before_it NEW TABLE AS after_it FOR EACH STATEMENT EXECUTE FUNCTION feed_letters_changed();
CREATE TRIGGER feed_letters_made AFTER INSERT ON dead_letter REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION feed_letters_made();

create table delivery (
  sync_id integer not null,
  record_id text collate "C" not null,
  part text collate "C" default ''::text not null,
  slice smallint not null,
  state text not null,
  source_seq bigint not null,
  delivered text,
  attempts integer default 0 not null,
  next_attempt_at timestamp with time zone,
  error text,
  parked_stream integer,
  parked_id text collate "C",
  mapping_version text not null,
  run_id bigint,
  updated_at timestamp with time zone default now() not null,
  constraint delivery_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'delivered'::text, 'unchanged'::text, 'skipped'::text, 'parked'::text, 'in_doubt'::text, 'dead'::text, 'gone'::text]))),
  constraint delivery_pkey PRIMARY KEY (sync_id, record_id, part)
) with (autovacuum_analyze_scale_factor=0.05, autovacuum_vacuum_scale_factor=0.02, fillfactor=75);
CREATE INDEX delivery_due ON delivery USING btree (sync_id, next_attempt_at) WHERE (next_attempt_at IS NOT NULL);
CREATE INDEX delivery_parked ON delivery USING btree (parked_stream, parked_id) WHERE (parked_id IS NOT NULL);

create table dependency (
  sync_id integer not null,
  stream_id integer not null,
  key text collate "C" not null,
  record_id text collate "C" not null,
  constraint dependency_pkey PRIMARY KEY (sync_id, stream_id, key, record_id)
);
CREATE INDEX dependency_by_record ON dependency USING btree (sync_id, record_id);

create table drift (
  id bigint generated always as identity not null,
  stream_id integer not null,
  run_id bigint,
  found_at timestamp with time zone default now() not null,
  changes text not null,
  state text default 'open'::text not null,
  actor text,
  closed_at timestamp with time zone,
  constraint drift_state_check CHECK ((state = ANY (ARRAY['open'::text, 'accepted'::text]))),
  constraint drift_pkey PRIMARY KEY (id)
);
CREATE INDEX drift_by_stream ON drift USING btree (stream_id, id DESC);
CREATE TRIGGER feed_drift AFTER INSERT OR UPDATE OF state ON drift FOR EACH ROW EXECUTE FUNCTION feed_note('drift.changed');

create table entity_event (
  type text collate "C" not null,
  part text collate "C" not null,
  stream_id integer not null,
  record_id text collate "C" not null,
  key text collate "C" not null,
  kind text not null,
  at timestamp with time zone,
  text text not null,
  constraint entity_event_pkey PRIMARY KEY (type, part, stream_id, record_id)
);
CREATE INDEX entity_event_by_key ON entity_event USING btree (type, key, at DESC);

create table entity_history (
  id bigint generated always as identity not null,
  entity_id bigint not null,
  other_id bigint,
  action text not null,
  actor text not null,
  detail text not null,
  at timestamp with time zone default now() not null,
  constraint entity_history_action_check CHECK ((action = ANY (ARRAY['linked'::text, 'merged'::text, 'split'::text, 'imported'::text]))),
  constraint entity_history_pkey PRIMARY KEY (id)
);
CREATE INDEX entity_history_by_entity ON entity_history USING btree (entity_id, id);
CREATE INDEX entity_history_by_other ON entity_history USING btree (other_id, id) WHERE (other_id IS NOT NULL);

create table entity_review (
  id bigint generated always as identity not null,
  type text collate "C" not null,
  kind text not null,
  left_stream integer not null,
  left_id text collate "C" not null,
  right_stream integer not null,
  right_id text collate "C" not null,
  points real,
  reasons text default '[]'::text not null,
  state text default 'open'::text not null,
  actor text,
  note text,
  created_at timestamp with time zone default now() not null,
  decided_at timestamp with time zone,
  constraint entity_review_kind_check CHECK ((kind = ANY (ARRAY['match'::text, 'duplicate'::text]))),
  constraint entity_review_state_check CHECK ((state = ANY (ARRAY['open'::text, 'confirmed'::text, 'rejected'::text, 'superseded'::text]))),
  constraint entity_review_pkey PRIMARY KEY (id),
  constraint entity_review_left_stream_left_id_right_stream_right_id_key UNIQUE (left_stream, left_id, right_stream, right_id)
);
CREATE INDEX entity_review_by_right ON entity_review USING btree (right_stream, right_id);
CREATE INDEX entity_review_by_state ON entity_review USING btree (state, id);
CREATE INDEX entity_review_open ON entity_review USING btree (type, id) WHERE (state = 'open'::text);
CREATE TRIGGER feed_reviews_changed AFTER UPDATE ON entity_review REFERENCING OLD TABLE AS before_it NEW TABLE AS after_it FOR EACH STATEMENT EXECUTE FUNCTION feed_cases_changed('review');
CREATE TRIGGER feed_reviews_made AFTER INSERT ON entity_review REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION feed_cases_made('review');

create table entity_version (
  type text collate "C" not null,
  version text not null,
  since timestamp with time zone default now() not null,
  constraint entity_version_pkey PRIMARY KEY (type)
);

create table erasure (
  id bigint generated always as identity not null,
  field text collate "C" not null,
  value_hash text collate "C" not null,
  actor text not null,
  erased_at timestamp with time zone default now() not null,
  counts text default '{}'::text not null,
  constraint erasure_pkey PRIMARY KEY (id),
  constraint erasure_field_value_hash_key UNIQUE (field, value_hash)
);

create table feed (
  xid xid8 default pg_current_xact_id() not null,
  id bigint generated always as identity not null,
  at timestamp with time zone default now() not null,
  kind text not null,
  about text default '{}'::text not null,
  constraint feed_pkey PRIMARY KEY (xid, id)
) with (autovacuum_vacuum_scale_factor=0.05, autovacuum_vacuum_threshold=1000);

create table former_link (
  stream_id integer not null,
  record_id text collate "C" not null,
  part text collate "C" not null,
  target_stream integer not null,
  target_id text collate "C" not null,
  gone boolean not null,
  left_at timestamp with time zone default now() not null,
  constraint former_link_pkey PRIMARY KEY (stream_id, record_id, part, target_stream)
);
CREATE INDEX former_link_gone ON former_link USING btree (target_stream, target_id) WHERE gone;

create table held_record (
  hold_id bigint not null,
  record_id text collate "C" not null,
  constraint held_record_pkey PRIMARY KEY (hold_id, record_id)
);

create table hold (
  id bigint generated always as identity not null,
  kind text not null,
  stream_id integer not null,
  sync_id integer,
  run_id bigint not null,
  reason text not null,
  seq bigint not null,
  records integer not null,
  live integer not null,
  state text default 'open'::text not null,
  actor text,
  note text,
  created_at timestamp with time zone default now() not null,
  decided_at timestamp with time zone,
  constraint hold_kind_check CHECK ((kind = ANY (ARRAY['scan'::text, 'push'::text]))),
  constraint hold_state_check CHECK ((state = ANY (ARRAY['open'::text, 'approved'::text, 'done'::text, 'rejected'::text, 'superseded'::text]))),
  constraint hold_pkey PRIMARY KEY (id)
);
CREATE INDEX hold_approved ON hold USING btree (stream_id) WHERE (state = 'approved'::text);
CREATE INDEX hold_by_run ON hold USING btree (run_id);
CREATE UNIQUE INDEX hold_open ON hold USING btree (kind, stream_id, COALESCE(sync_id, 0)) WHERE (state = 'open'::text);
CREATE TRIGGER feed_hold AFTER INSERT OR UPDATE OF state ON hold FOR EACH ROW EXECUTE FUNCTION feed_note('hold.changed');

create table hub_user (
  id bigint generated always as identity not null,
  name text not null,
  role text not null,
  password text,
  issuer text,
  subject text,
  created_at timestamp with time zone default now() not null,
  disabled_at timestamp with time zone,
  last_login_at timestamp with time zone,
  constraint hub_user_check CHECK (((issuer IS NULL) = (subject IS NULL))),
  constraint hub_user_role_check CHECK ((role = ANY (ARRAY['viewer'::text, 'operator'::text, 'editor'::text, 'admin'::text]))),
  constraint hub_user_pkey PRIMARY KEY (id),
  constraint hub_user_issuer_subject_key UNIQUE (issuer, subject),
  constraint hub_user_name_key UNIQUE (name)
);

create table identity (
  stream_id integer not null,
  record_id text collate "C" not null,
  type text collate "C" not null,
  shown text not null,
  keys text[] not null,
  changed_at timestamp with time zone,
  pending boolean default true not null,
  constraint identity_pkey PRIMARY KEY (stream_id, record_id)
);
CREATE INDEX identity_by_words ON identity USING gin (identity_words(keys)) WITH (gin_pending_list_limit='512');
CREATE INDEX identity_pending ON identity USING btree (type, stream_id, record_id) WHERE pending;

create table identity_key (
  type text collate "C" not null,
  key text collate "C" not null,
  stream_id integer not null,
  record_id text collate "C" not null,
  constraint identity_key_pkey PRIMARY KEY (type, key, stream_id, record_id)
);

create table identity_position (
  type text collate "C" not null,
  part text collate "C" not null,
  stream_id integer not null,
  version text not null,
  positions bigint[] not null,
  through bigint default 0 not null,
  constraint identity_position_pkey PRIMARY KEY (type, part, stream_id)
);

create table inbox (
  id bigint generated always as identity not null,
  received_at timestamp with time zone default now() not null,
  connection_id integer not null,
  stream text,
  event_id text not null,
  headers text not null,
  body bytea not null,
  state text default 'pending'::text not null,
  reason text,
  attempts integer default 0 not null,
  next_attempt_at timestamp with time zone default now(),
  replay_to integer,
  constraint inbox_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'done'::text, 'skipped'::text, 'dead'::text]))),
  constraint inbox_pkey PRIMARY KEY (id, received_at)
) partition by RANGE (received_at);
CREATE INDEX inbox_dead ON ONLY inbox USING btree (id) WHERE (state = 'dead'::text);
CREATE INDEX inbox_pending ON ONLY inbox USING btree (connection_id, id) WHERE (state = 'pending'::text);

create table inbox_default (
  id bigint generated always as identity not null,
  received_at timestamp with time zone default now() not null,
  connection_id integer not null,
  stream text,
  event_id text not null,
  headers text not null,
  body bytea not null,
  state text default 'pending'::text not null,
  reason text,
  attempts integer default 0 not null,
  next_attempt_at timestamp with time zone default now(),
  replay_to integer,
  constraint inbox_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'done'::text, 'skipped'::text, 'dead'::text]))),
  constraint inbox_default_pkey PRIMARY KEY (id, received_at)
) partition of inbox DEFAULT;
CREATE INDEX inbox_default_connection_id_id_idx ON inbox_default USING btree (connection_id, id) WHERE (state = 'pending'::text);
CREATE INDEX inbox_default_id_idx ON inbox_default USING btree (id) WHERE (state = 'dead'::text);

create table inbox_seen (
  connection_id integer not null,
  event_id text collate "C" not null,
  seen_at timestamp with time zone default now() not null,
  body_digest text collate "C",
  constraint inbox_seen_pkey PRIMARY KEY (connection_id, event_id)
);

create table intent (
  id bigint generated always as identity not null,
  target_stream integer not null,
  target_key text collate "C" not null,
  sync_id integer not null,
  record_id text collate "C" not null,
  part text collate "C" not null,
  operation text not null,
  match_key text not null,
  idempotency_key text not null,
  lease_name text collate "C" not null,
  lease_token bigint not null,
  opened_at timestamp with time zone default now() not null,
  looked_up integer default 0 not null,
  guards text[] default '{}'::text[] not null,
  under_way boolean default true not null,
  deaths smallint default 0 not null,
  job text,
  sent text,
  repeatable boolean default false not null,
  constraint intent_pkey PRIMARY KEY (id),
  constraint intent_target_stream_target_key_key UNIQUE (target_stream, target_key)
) with (autovacuum_vacuum_scale_factor=0.0, autovacuum_vacuum_threshold=2000, fillfactor=70);
CREATE INDEX intent_by_guard ON intent USING gin (guards) WHERE (guards <> '{}'::text[]);
CREATE INDEX intent_by_record ON intent USING btree (sync_id, record_id, part);

create table journal (
  id bigint generated always as identity not null,
  at timestamp with time zone default now() not null,
  kind text not null,
  stream_id integer,
  sync_id integer,
  run_id bigint,
  mapping_version text,
  record_hashes integer[] not null,
  entries bytea storage e not null,
  constraint journal_pkey PRIMARY KEY (id, at)
) partition by RANGE (at);
CREATE INDEX journal_by_record ON ONLY journal USING gin (record_hashes);

create table journal_default (
  id bigint generated always as identity not null,
  at timestamp with time zone default now() not null,
  kind text not null,
  stream_id integer,
  sync_id integer,
  run_id bigint,
  mapping_version text,
  record_hashes integer[] not null,
  entries bytea storage e not null,
  constraint journal_default_pkey PRIMARY KEY (id, at)
) partition of journal DEFAULT;
CREATE INDEX journal_default_record_hashes_idx ON journal_default USING gin (record_hashes);

create table lane (
  sync_id integer not null,
  lane smallint not null,
  failures integer default 0 not null,
  next_at timestamp with time zone,
  constraint lane_pkey PRIMARY KEY (sync_id, lane)
);

create table lease (
  name text collate "C" not null,
  holder text not null,
  token bigint default 1 not null,
  expires_at timestamp with time zone not null,
  suspect text collate "C",
  starts smallint default 0 not null,
  constraint lease_pkey PRIMARY KEY (name)
) with (autovacuum_vacuum_scale_factor=0.0, autovacuum_vacuum_threshold=500, fillfactor=50);

create table limit_use (
  key text collate "C" not null,
  at timestamp with time zone not null,
  total double precision not null,
  units double precision not null,
  seconds double precision not null,
  constraint limit_use_pkey PRIMARY KEY (key, at)
);

create table link (
  stream_id integer not null,
  record_id text collate "C" not null,
  part text collate "C" default ''::text not null,
  entity_id bigint not null,
  alias boolean default false not null,
  created_at timestamp with time zone default now() not null,
  constraint link_pkey PRIMARY KEY (stream_id, record_id, part)
) with (autovacuum_vacuum_insert_scale_factor=0.1, fillfactor=90);
CREATE INDEX link_aliases ON link USING btree (entity_id) WHERE alias;
CREATE UNIQUE INDEX link_by_entity ON link USING btree (entity_id, stream_id) WHERE (NOT alias);

create table login_failure (
  key bytea not null,
  minute timestamp with time zone not null,
  failures integer not null,
  constraint login_failure_pkey PRIMARY KEY (key, minute)
);

create table mapping_version (
  version text not null,
  sync text collate "C" not null,
  source text not null,
  first_used_at timestamp with time zone default now() not null,
  constraint mapping_version_pkey PRIMARY KEY (sync, version)
);

create table migration (
  number integer not null,
  name text not null,
  hash text not null,
  applied_at timestamp with time zone default now() not null,
  constraint migration_pkey PRIMARY KEY (number)
);

create table pending_login (
  state_hash bytea not null,
  expires_at timestamp with time zone not null,
  constraint pending_login_pkey PRIMARY KEY (state_hash)
);

create table quota (
  key text collate "C" not null,
  state text not null,
  updated_at timestamp with time zone default now() not null,
  constraint quota_pkey PRIMARY KEY (key)
) with (autovacuum_vacuum_scale_factor=0.0, autovacuum_vacuum_threshold=500, fillfactor=50);

create table record (
  stream_id integer not null,
  id text collate "C" not null,
  slice smallint not null,
  seq bigint not null,
  version text collate "C",
  hash text collate "C" not null,
  body text,
  content text,
  deleted boolean default false not null,
  first_seen_at timestamp with time zone default now() not null,
  observed_at timestamp with time zone not null,
  shrunk boolean default false not null,
  field_hashes text,
  constraint record_pkey PRIMARY KEY (stream_id, id)
) with (autovacuum_analyze_scale_factor=0.05, autovacuum_vacuum_insert_scale_factor=0.1, autovacuum_vacuum_scale_factor=0.02, fillfactor=85, toast_tuple_target=4080);
CREATE INDEX record_by_slice ON record USING btree (stream_id, slice, seq);

create table record_key (
  stream_id integer not null,
  field text collate "C" not null,
  value text collate "C" not null,
  record_id text collate "C" not null,
  constraint record_key_pkey PRIMARY KEY (stream_id, record_id, field, value)
) with (autovacuum_vacuum_scale_factor=0.02);
CREATE INDEX record_key_by_value ON record_key USING btree (stream_id, field, value);

create table request_key (
  actor text not null,
  key text collate "C" not null,
  id uuid not null,
  operation text not null,
  request text not null,
  turn integer default 1 not null,
  until timestamp with time zone not null,
  status smallint,
  body text,
  at timestamp with time zone default now() not null,
  constraint request_key_pkey PRIMARY KEY (actor, key)
);
CREATE INDEX request_key_at ON request_key USING btree (at);

create table run (
  id bigint generated always as identity not null,
  kind text not null,
  request_id text,
  trigger text not null,
  stream_id integer,
  sync_id integer,
  lane smallint,
  mode text,
  mapping_version text,
  started_at timestamp with time zone default now() not null,
  heartbeat_at timestamp with time zone default now() not null,
  finished_at timestamp with time zone,
  outcome text default 'running'::text not null,
  counts jsonb default '{}'::jsonb not null,
  error text,
  times jsonb,
  constraint run_kind_check CHECK ((kind = ANY (ARRAY['pull'::text, 'push'::text, 'inbox'::text]))),
  constraint run_outcome_check CHECK ((outcome = ANY (ARRAY['running'::text, 'success'::text, 'partial'::text, 'failed'::text, 'held'::text, 'waiting'::text, 'cancelled'::text, 'interrupted'::text, 'unknown'::text]))),
  constraint run_pkey PRIMARY KEY (id)
) with (fillfactor=70);
CREATE INDEX run_by_outcome ON run USING btree (outcome, id);
CREATE INDEX run_by_request ON run USING btree (request_id) WHERE (request_id IS NOT NULL);
CREATE INDEX run_by_start ON run USING btree (started_at DESC);
CREATE INDEX run_by_stream ON run USING btree (stream_id, id DESC);
CREATE INDEX run_by_sync ON run USING btree (sync_id, id DESC);
CREATE INDEX run_open ON run USING btree (heartbeat_at) WHERE (outcome = 'running'::text);
CREATE TRIGGER feed_run_began AFTER INSERT ON run FOR EACH ROW EXECUTE FUNCTION feed_run();
CREATE TRIGGER feed_run_changed AFTER UPDATE OF outcome, counts ON run FOR EACH ROW WHEN (((old.outcome IS DISTINCT FROM new.outcome) OR (old.counts IS DISTINCT FROM new.counts))) EXECUTE FUNCTION feed_run();

create table scan_page (
  id bigint generated always as identity not null,
  stream_id integer not null,
  scan_id bigint not null,
  record_ids text[] collate "C" not null,
  constraint scan_page_pkey PRIMARY KEY (id)
);
CREATE INDEX scan_page_by_scan ON scan_page USING btree (stream_id, scan_id);

create table schedule_slot (
  schedule text collate "C" not null,
  slot timestamp with time zone not null,
  fired_at timestamp with time zone default now() not null,
  fired_by text not null,
  constraint schedule_slot_pkey PRIMARY KEY (schedule, slot)
);

create table secret (
  connection text collate "C" not null,
  field text collate "C" not null,
  sealed bytea not null,
  key_id text not null,
  updated_at timestamp with time zone default now() not null,
  constraint secret_pkey PRIMARY KEY (connection, field)
);

create table stream (
  id integer generated always as identity not null,
  connection_id integer not null,
  name text collate "C" not null,
  seq bigint default 0 not null,
  cursor text,
  cursor_at timestamp with time zone,
  key_fields text[] default '{}'::text[] not null,
  pull_mode text,
  pull_begun boolean default false not null,
  pull_request text,
  scan_id bigint default 0 not null,
  scan_began_seq bigint default 0 not null,
  pull_failures integer default 0 not null,
  next_pull_at timestamp with time zone,
  last_error text,
  last_pull_at timestamp with time zone,
  last_success_at timestamp with time zone,
  page_requested_at timestamp with time zone,
  shape text,
  keeping text default 'full'::text not null,
  kept_fields text[] default '{}'::text[] not null,
  pull_due_at timestamp with time zone,
  pull_owed boolean default false not null,
  keys_missing text,
  pull_asked_at timestamp with time zone,
  constraint stream_keeping_check CHECK ((keeping = ANY (ARRAY['full'::text, 'used'::text, 'hash'::text]))),
  constraint stream_keys_missing_check CHECK ((keys_missing = ANY (ARRAY['walk'::text, 'asked'::text, 'pull'::text]))),
  constraint stream_pull_mode_check CHECK ((pull_mode = ANY (ARRAY['full'::text, 'incremental'::text]))),
  constraint stream_connection_id_fkey FOREIGN KEY (connection_id) REFERENCES connection(id),
  constraint stream_pkey PRIMARY KEY (id),
  constraint stream_connection_id_name_key UNIQUE (connection_id, name)
) with (fillfactor=50);

create table sync (
  id integer generated always as identity not null,
  name text collate "C" not null,
  from_stream integer not null,
  to_stream integer not null,
  version text not null,
  state text default 'active'::text not null,
  state_reason text,
  state_since timestamp with time zone default now() not null,
  last_error text,
  push_failures integer default 0 not null,
  next_push_at timestamp with time zone,
  last_push_at timestamp with time zone,
  last_success_at timestamp with time zone,
  constraint sync_state_check CHECK ((state = ANY (ARRAY['active'::text, 'paused'::text, 'removed'::text]))),
  constraint sync_from_stream_fkey FOREIGN KEY (from_stream) REFERENCES stream(id),
  constraint sync_to_stream_fkey FOREIGN KEY (to_stream) REFERENCES stream(id),
  constraint sync_pkey PRIMARY KEY (id),
  constraint sync_name_key UNIQUE (name)
);
CREATE TRIGGER feed_sync_changed AFTER UPDATE OF state ON sync FOR EACH ROW WHEN ((old.state IS DISTINCT FROM new.state)) EXECUTE FUNCTION feed_sync();
CREATE TRIGGER feed_sync_made AFTER INSERT ON sync FOR EACH ROW EXECUTE FUNCTION feed_sync();

create table sync_position (
  sync_id integer not null,
  stream_id integer not null,
  slice smallint not null,
  seq bigint default 0 not null,
  constraint sync_position_pkey PRIMARY KEY (sync_id, stream_id, slice)
) with (autovacuum_vacuum_scale_factor=0.05, autovacuum_vacuum_threshold=500, fillfactor=50);

create table user_session (
  hash bytea not null,
  user_id bigint not null,
  created_at timestamp with time zone default now() not null,
  seen_at timestamp with time zone default now() not null,
  expires_at timestamp with time zone not null,
  constraint user_session_user_id_fkey FOREIGN KEY (user_id) REFERENCES hub_user(id) ON DELETE CASCADE,
  constraint user_session_pkey PRIMARY KEY (hash)
);
CREATE INDEX user_session_user ON user_session USING btree (user_id);

create table webhook_subscription (
  id bigint generated always as identity not null,
  connection_id integer not null,
  stream text,
  url text not null,
  events text not null,
  state text default 'ordering'::text not null,
  remote_id text,
  sent_at timestamp with time zone,
  expires_at timestamp with time zone,
  renew_at timestamp with time zone,
  seen_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  failures integer default 0 not null,
  next_at timestamp with time zone,
  error text,
  constraint webhook_subscription_state_check CHECK ((state = ANY (ARRAY['ordering'::text, 'active'::text, 'leaving'::text]))),
  constraint webhook_subscription_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX webhook_subscription_wanted ON webhook_subscription USING btree (connection_id, COALESCE(stream, ''::text)) WHERE (state <> 'leaving'::text);

create table worker (
  id text collate "C" not null,
  started_at timestamp with time zone default now() not null,
  seen_at timestamp with time zone default now() not null,
  left_at timestamp with time zone,
  constraint worker_pkey PRIMARY KEY (id)
) with (fillfactor=50);

CREATE OR REPLACE FUNCTION feed_bulk()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'causeway'
AS $function$
begin
  insert into feed (kind, about) values (case when new.state = 'running' then 'bulk.progress' else 'bulk.ended' end, json_build_object(
    'id', new.id, 'kind', new.kind, 'state', new.state, 'total', new.total, 'done', new.done, 'passedOver', new.passed_over, 'failed', new.failed));
  return null;
end $function$
;
CREATE OR REPLACE FUNCTION feed_cases_changed()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'causeway'
AS $function$
begin
  insert into feed (kind, about)
  select tg_argv[0] || case when n.state = 'open' then '.opened' else '.closed' end, json_build_object('count', count(*))
    from after_it n join before_it o on o.id = n.id
   where (n.state = 'open') <> (o.state = 'open') group by n.state = 'open';
  return null;
end $function$
;
CREATE OR REPLACE FUNCTION feed_cases_made()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'causeway'
AS $function$
begin
  insert into feed (kind, about)
  select tg_argv[0] || '.opened', json_build_object('count', count(*)) from made where state = 'open' having count(*) > 0;
  return null;
end $function$
;
CREATE OR REPLACE FUNCTION feed_connection()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'causeway'
AS $function$
begin
  insert into feed (kind, about) values ('connection.changed',
    json_build_object('connection', new.name, 'state', new.state, 'waitUntil', new.wait_until));
  return null;
end $function$
;
CREATE OR REPLACE FUNCTION feed_letters_changed()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'causeway'
AS $function$
begin
  insert into feed (kind, about)
  select case when n.state = 'open' then 'problem.opened' else 'problem.closed' end,
         json_build_object('code', n.code, 'sync', y.name, 'count', count(*))
    from after_it n join before_it o on o.id = n.id left join sync y on y.id = n.sync_id
   where (n.state = 'open') <> (o.state = 'open') group by n.state = 'open', n.code, y.name;
  return null;
end $function$
;
CREATE OR REPLACE FUNCTION feed_letters_made()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'causeway'
AS $function$
begin
  insert into feed (kind, about)
  select 'problem.opened', json_build_object('code', n.code, 'sync', y.name, 'count', count(*))
    from made n left join sync y on y.id = n.sync_id
   where n.state = 'open' group by n.code, y.name;
  return null;
end $function$
;
CREATE OR REPLACE FUNCTION feed_note()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'causeway'
AS $function$
begin
  insert into feed (kind) values (tg_argv[0]);
  return null;
end $function$
;
CREATE OR REPLACE FUNCTION feed_run()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'causeway'
AS $function$
declare
  what text := case when tg_op = 'INSERT' then 'run.began' when new.outcome = old.outcome then 'run.progress' else 'run.ended' end;
begin
  insert into feed (kind, about) values (what, json_build_object(
    'id', new.id, 'kind', new.kind, 'outcome', new.outcome, 'counts', new.counts,
    'sync', (select name from sync where sync.id = new.sync_id),
    'stream', (select c.name || ':' || s.name from stream s join connection c on c.id = s.connection_id where s.id = new.stream_id)));
  return null;
end $function$
;
CREATE OR REPLACE FUNCTION feed_sync()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'causeway'
AS $function$
begin
  insert into feed (kind, about) values ('sync.changed', json_build_object('sync', new.name, 'state', new.state));
  return null;
end $function$
;
CREATE OR REPLACE FUNCTION identity_words(keys text[])
 RETURNS tsvector
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$ select array_to_tsvector(coalesce(array_agg(distinct substr(key, 3)) filter (where key like 'w=_%'), '{}')) from unnest(keys) as k(key) $function$
;
CREATE OR REPLACE FUNCTION refuse_audit_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'the audit log is insert-only' using errcode = 'insufficient_privilege';
end $function$
;
create sequence entity_id;
