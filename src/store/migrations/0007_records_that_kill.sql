-- A record can end the process that handles it. Who takes over from a holder that never gave its lease back counts that against
-- the writes that were under way, and notes what it handles by itself before it begins.
alter table intent
  -- True from the opening until an outcome is saved, also the outcome "unknown".
  add column under_way boolean not null default true,
  -- How many holders ended while it was under way.
  add column deaths smallint not null default 0;
alter table lease
  add column suspect text collate "C",
  -- How often in a row the suspect was begun without an end.
  add column starts smallint not null default 0;
