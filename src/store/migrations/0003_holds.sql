-- What would have been deleted without enough proof, or too much of it at once, waits here for a person.
create table hold (
  id            bigint generated always as identity primary key,
  -- 'scan': records of a stream that a complete scan did not meet. 'push': records a sync would take out of its target.
  kind          text not null check (kind in ('scan', 'push')),
  stream_id     integer not null,
  sync_id       integer,
  run_id        bigint not null,
  reason        text not null,
  -- What changed in the log after this number is not meant.
  seq           bigint not null,
  records       integer not null,
  live          integer not null,
  state         text not null default 'open' check (state in ('open', 'approved', 'done', 'rejected', 'superseded')),
  actor         text,
  note          text,
  created_at    timestamptz not null default now(),
  decided_at    timestamptz
);
create unique index hold_open on hold (kind, stream_id, coalesce(sync_id, 0)) where state = 'open';
create index hold_by_run on hold (run_id);
create index hold_approved on hold (stream_id) where state = 'approved';

create table held_record (
  hold_id       bigint not null,
  record_id     text not null collate "C",
  primary key (hold_id, record_id)
);

-- Targets that deleted records let go of. When a record comes back, its link is revived instead of creating a second target.
create table former_link (
  stream_id     integer not null,
  record_id     text not null collate "C",
  part          text not null collate "C",
  target_stream integer not null,
  target_id     text not null collate "C",
  -- Whether the target was deleted then, or only let go.
  gone          boolean not null,
  left_at       timestamptz not null default now(),
  primary key (stream_id, record_id, part, target_stream)
);
