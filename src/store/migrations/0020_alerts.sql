-- What people are told who do not look at the page.

-- Things that are or were wrong, one row each however many records they touch. Kept for a while after they are over, so that one that comes
-- back is told as such.
create table alert_subject (
  key           text collate "C" primary key,
  kind          text not null check (kind in ('problem', 'late', 'authorisation')),
  -- `new`: seen, and not for long enough to be told.
  state         text not null check (state in ('new', 'open', 'over')),
  -- How often it has begun.
  round         integer not null,
  -- What is told of it, as JSON: names of the configuration, codes and counts, never a value of a record.
  content       text not null,
  first_seen_at timestamptz not null,
  seen_at       timestamptz not null,
  over_at       timestamptz
);

-- One row per change and route. The id goes along with every attempt, so that a receiver can tell what it has already.
create table alert_message (
  id             text collate "C" primary key,
  seq            bigint generated always as identity unique,
  route          text collate "C" not null,
  -- Null for a digest.
  subject_key    text collate "C",
  round          integer,
  change         text not null check (change in ('opened', 'reopened', 'recovered', 'digest')),
  content        text not null,
  -- `cancelled`: over before anybody was told, or its route is gone. `folded`: a digest tells it.
  state          text not null default 'waiting' check (state in ('waiting', 'sent', 'given_up', 'cancelled', 'folded')),
  attempts       integer not null default 0,
  next_at        timestamptz not null default now(),
  first_tried_at timestamptz,
  ended_at       timestamptz,
  -- Why the last attempt failed, as an error in JSON.
  error          text,
  created_at     timestamptz not null default now()
);
create index alert_message_waiting on alert_message (route, seq) where state = 'waiting';
create index alert_message_of_subject on alert_message (subject_key, round);

-- Quiet until a time: `route:NAME` or `subject:KEY`.
create table alert_snooze (
  scope      text collate "C" primary key,
  until      timestamptz not null,
  actor      text not null,
  reason     text,
  created_at timestamptz not null default now()
);
