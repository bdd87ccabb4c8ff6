-- Which processes work, as they say themselves every few seconds. Unlogged: after a crash of Postgres they say it again.
create unlogged table worker (
  id          text primary key collate "C",
  started_at  timestamptz not null default now(),
  seen_at     timestamptz not null default now(),
  left_at     timestamptz
) with (fillfactor = 50);
