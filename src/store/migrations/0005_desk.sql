-- What the error desk, drift, privacy and lanes of their own need.

-- A webhook that could not be turned into records has a letter of its own, and no stream.
alter table dead_letter add column connection_id integer;
alter table dead_letter add column assignee text;
alter table dead_letter add column note text;

-- A record as a person corrected it. Holds for one state of the record: what the source says later is newer.
create table correction (
  sync_id       integer not null,
  record_id     text not null collate "C",
  source_seq    bigint not null,
  body          text not null,
  actor         text not null,
  corrected_at  timestamptz not null default now(),
  primary key (sync_id, record_id)
);

-- Lanes that fail by themselves wait by themselves.
create table lane (
  sync_id       integer not null,
  lane          smallint not null,
  failures      integer not null default 0,
  next_at       timestamptz,
  primary key (sync_id, lane)
);

-- Further match keys of a record about to be created, as digests: two syncs that match one target by different fields meet here.
alter table intent add column guards text[] not null default '{}';
create index intent_by_guard on intent using gin (guards) where guards <> '{}';

-- Digest of the credential that was refused; another one ends the state.
alter table connection add column refused_with text;

-- When the request of the newest page was sent that a pull committed: what a webhook fetched before is asked for again.
alter table stream add column page_requested_at timestamptz;

-- Fields and types seen in a stream, as JSON, and what changed about them.
alter table stream add column shape text;
create table drift (
  id            bigint generated always as identity primary key,
  stream_id     integer not null,
  run_id        bigint,
  found_at      timestamptz not null default now(),
  changes       text not null,
  state         text not null default 'open' check (state in ('open', 'accepted')),
  actor         text,
  closed_at     timestamptz
);
create index drift_by_stream on drift (stream_id, id desc);

-- How much of a stream is kept once everybody has delivered it: all of a record, the fields that syncs read, or hashes.
alter table stream add column keeping text not null default 'full' check (keeping in ('full', 'used', 'hash'));
alter table stream add column kept_fields text[] not null default '{}';
alter table record add column shrunk boolean not null default false;
alter table record add column field_hashes text;

-- Persons who were erased, as hashes only: what brings them back (a restore, a slow source) is erased again.
create table erasure (
  id            bigint generated always as identity primary key,
  field         text not null collate "C",
  value_hash    text not null collate "C",
  actor         text not null,
  erased_at     timestamptz not null default now(),
  counts        text not null default '{}',
  unique (field, value_hash)
);

-- Set while an event is replayed: 0 = into every sync that follows its stream, otherwise into this one.
alter table inbox add column replay_to integer;
