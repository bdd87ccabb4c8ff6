-- What was asked of the API with an `Idempotency-Key`, for a day: the same request, sent again, is not carried out twice.
create table request_key (
  actor     text not null,
  key       text collate "C" not null,
  -- Stays the same while a request is tried again: deeds that can be known by it bear it (bulk actions, requests of runs).
  id        uuid not null,
  operation text not null,
  -- Method, address and body, hashed with a key that is sealed: bodies hold passwords and names of people.
  request   text not null,
  -- Counts who has it in hand; one that was overtaken settles nothing any more.
  turn      integer not null default 1,
  -- Whoever carries it out moves this on. Once it is past, the next one who asks carries it out.
  until     timestamptz not null,
  -- Of the answer, once it was carried out. Answers with secrets or records are not kept.
  status    smallint,
  body      text,
  at        timestamptz not null default now(),
  primary key (actor, key)
);
create index request_key_at on request_key (at);

-- That a key belongs to another request is told by `request_key`. Processes of the former version go on writing the column.
alter table bulk_action alter column request drop not null;
