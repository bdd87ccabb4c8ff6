-- Records as the matcher sees them: what the entity file makes of each, and the keys it is found by. `pending`: not held against the
-- others since it changed.
create table identity (
  stream_id integer not null,
  record_id text collate "C" not null,
  type text collate "C" not null,
  shown text not null,
  keys text[] not null,
  changed_at timestamptz,
  pending boolean not null default true,
  primary key (stream_id, record_id)
);
create index identity_pending on identity (type, stream_id, record_id) where pending;

-- The keys once more, to find records by: whole ones and, in the order of "C", their beginnings.
create table identity_key (
  type text collate "C" not null,
  key text collate "C" not null,
  stream_id integer not null,
  record_id text collate "C" not null,
  primary key (type, key, stream_id, record_id)
);

-- How far the matcher has read a stream, per slice; `through`: the stream's number when the last whole round began. `part` is
-- `records`, or `timeline.N` for the N-th entry of the timeline. Another version of the file begins anew.
create table identity_position (
  type text collate "C" not null,
  part text collate "C" not null,
  stream_id integer not null,
  version text not null,
  positions bigint[] not null,
  through bigint not null default 0,
  primary key (type, part, stream_id)
);

-- What happened to whom. `key` is `record=<stream>/<id>`, or a key as in identity_key.
create table entity_event (
  type text collate "C" not null,
  part text collate "C" not null,
  stream_id integer not null,
  record_id text collate "C" not null,
  key text collate "C" not null,
  kind text not null,
  at timestamptz,
  text text not null,
  primary key (type, part, stream_id, record_id)
);
create index entity_event_by_key on entity_event (type, key, at desc);

-- Pairs for a person, and what persons decided. A pair that was rejected stays, so that it is never proposed again. The record with the
-- lower (stream, id) is on the left.
create table entity_review (
  id bigint generated always as identity primary key,
  type text collate "C" not null,
  kind text not null check (kind in ('match', 'duplicate')),
  left_stream integer not null,
  left_id text collate "C" not null,
  right_stream integer not null,
  right_id text collate "C" not null,
  points real,
  reasons text not null default '[]',
  state text not null default 'open' check (state in ('open', 'confirmed', 'rejected', 'superseded')),
  actor text,
  note text,
  created_at timestamptz not null default now(),
  decided_at timestamptz,
  unique (left_stream, left_id, right_stream, right_id)
);
create index entity_review_open on entity_review (type, id) where state = 'open';
create index entity_review_by_right on entity_review (right_stream, right_id);

-- What happened to entities: who joined or left which, by whom, and why. No values of records, only their ids.
create table entity_history (
  id bigint generated always as identity primary key,
  entity_id bigint not null,
  other_id bigint,
  action text not null check (action in ('linked', 'merged', 'split', 'imported')),
  actor text not null,
  detail text not null,
  at timestamptz not null default now()
);
create index entity_history_by_entity on entity_history (entity_id, id);
create index entity_history_by_other on entity_history (other_id, id) where other_id is not null;

-- The members of an entity that `link_by_entity` does not have.
create index link_aliases on link (entity_id) where alias;
