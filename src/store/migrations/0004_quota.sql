-- The limits of credentials over all processes: one row per credential and per bucket, changed once per slice, not per call.
create table quota (
  key           text primary key collate "C",
  state         text not null,
  updated_at    timestamptz not null default now()
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 500);

-- A run that ended because the other system asked to wait has not failed: it goes on by itself at a known time.
alter table run drop constraint run_outcome_check;
alter table run add constraint run_outcome_check
  check (outcome in ('running', 'success', 'partial', 'failed', 'held', 'waiting', 'cancelled', 'interrupted', 'unknown'));
