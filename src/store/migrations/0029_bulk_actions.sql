-- What somebody asked to be done to many things at once, kept until it is done: whoever works goes on with it after a crash.
create table bulk_action (
  id          bigint generated always as identity primary key,
  kind        text not null check (kind in ('dead_letters.requeue', 'dead_letters.discard', 'conflicts.resolve', 'events.replay')),
  -- JSON. Gone once it is over: what a person decided on may be a value of a record.
  said        text,
  filter      text not null,
  state       text not null default 'running' check (state in ('running', 'done', 'aborted')),
  actor       text not null,
  reason      text,
  total       integer not null,
  done        integer not null default 0,
  -- Somebody else was faster: they were not open any more.
  passed_over integer not null default 0,
  failed      integer not null default 0,
  -- The last failure, as an error in JSON.
  error       text,
  -- Chosen by who asks, so that a request whose answer was lost can be sent again; with what was asked, as a hash.
  request_key text collate "C" unique,
  request     text not null,
  aborted_by  text,
  created_at  timestamptz not null default now(),
  changed_at  timestamptz not null default now(),
  ended_at    timestamptz
) with (fillfactor = 50);
create index bulk_action_running on bulk_action (id) where state = 'running';

-- The ids it has not come to yet, some hundred a row: a part is done, counted and deleted in one transaction.
create table bulk_part (
  id        bigint generated always as identity primary key,
  action_id bigint not null references bulk_action on delete cascade,
  ids       bigint[] not null
);
create index bulk_part_of_action on bulk_part (action_id, id);

create function feed_bulk() returns trigger language plpgsql set search_path from current as $$
begin
  insert into feed (kind, about) values (case when new.state = 'running' then 'bulk.progress' else 'bulk.ended' end, json_build_object(
    'id', new.id, 'kind', new.kind, 'state', new.state, 'total', new.total, 'done', new.done, 'passedOver', new.passed_over, 'failed', new.failed));
  return null;
end $$;
create trigger feed_bulk after insert or update on bulk_action for each row execute function feed_bulk();
