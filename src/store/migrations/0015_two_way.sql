-- Fields that both sides of a two-way sync changed and nobody decided: what a person sees, and what they said. `sync_id` is the
-- sync of the way there; `side` says in whose words field and values are (`to` for what the way there found). Values are JSON.
-- The empty field stands for the record as a whole: changed on one side, deleted on the other.
create table conflict (
  id bigint generated always as identity primary key,
  sync_id integer not null,
  from_id text collate "C" not null,
  to_id text collate "C" not null,
  field text collate "C" not null,
  side text not null check (side in ('from', 'to')),
  base text,
  from_value text,
  to_value text,
  state text not null default 'open' check (state in ('open', 'decided', 'settled')),
  decision text check (decision in ('from', 'to', 'value')),
  value text,
  actor text,
  note text,
  found_at timestamptz not null default now(),
  closed_at timestamptz
);
create unique index conflict_standing on conflict (sync_id, from_id, to_id, field) where state <> 'settled';
create index conflict_by_target on conflict (sync_id, to_id) where state <> 'settled';
