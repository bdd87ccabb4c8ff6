-- What changed, for pages that follow the hub. Triggers write it, so that no process and no bulk statement can forget to.
-- Numbers are given out before transactions commit, so readers go by the transaction: what is below the oldest one that is still
-- under way is complete, and stays in its order. Rows name syncs, streams and counts, never records.
create table feed (
  xid xid8 not null default pg_current_xact_id(),
  id bigint generated always as identity,
  at timestamptz not null default now(),
  kind text not null,
  about text not null default '{}',
  primary key (xid, id)
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);

create function feed_run() returns trigger language plpgsql set search_path from current as $$
declare
  what text := case when tg_op = 'INSERT' then 'run.began' when new.outcome = old.outcome then 'run.progress' else 'run.ended' end;
begin
  insert into feed (kind, about) values (what, json_build_object(
    'id', new.id, 'kind', new.kind, 'outcome', new.outcome, 'counts', new.counts,
    'sync', (select name from sync where sync.id = new.sync_id),
    'stream', (select c.name || ':' || s.name from stream s join connection c on c.id = s.connection_id where s.id = new.stream_id)));
  return null;
end $$;
create trigger feed_run_began after insert on run for each row execute function feed_run();
create trigger feed_run_changed after update of outcome, counts on run for each row
  when (old.outcome is distinct from new.outcome or old.counts is distinct from new.counts) execute function feed_run();

create function feed_letters_made() returns trigger language plpgsql set search_path from current as $$
begin
  insert into feed (kind, about)
  select 'problem.opened', json_build_object('code', n.code, 'sync', y.name, 'count', count(*))
    from made n left join sync y on y.id = n.sync_id
   where n.state = 'open' group by n.code, y.name;
  return null;
end $$;
create function feed_letters_changed() returns trigger language plpgsql set search_path from current as $$
begin
  insert into feed (kind, about)
  select case when n.state = 'open' then 'problem.opened' else 'problem.closed' end,
         json_build_object('code', n.code, 'sync', y.name, 'count', count(*))
    from after_it n join before_it o on o.id = n.id left join sync y on y.id = n.sync_id
   where (n.state = 'open') <> (o.state = 'open') group by n.state = 'open', n.code, y.name;
  return null;
end $$;
create trigger feed_letters_made after insert on dead_letter
  referencing new table as made for each statement execute function feed_letters_made();
create trigger feed_letters_changed after update on dead_letter
  referencing old table as before_it new table as after_it for each statement execute function feed_letters_changed();

-- Conflicts and reviews alike: how many were opened or closed by a statement. The argument names the kind.
create function feed_cases_made() returns trigger language plpgsql set search_path from current as $$
begin
  insert into feed (kind, about)
  select tg_argv[0] || '.opened', json_build_object('count', count(*)) from made where state = 'open' having count(*) > 0;
  return null;
end $$;
create function feed_cases_changed() returns trigger language plpgsql set search_path from current as $$
begin
  insert into feed (kind, about)
  select tg_argv[0] || case when n.state = 'open' then '.opened' else '.closed' end, json_build_object('count', count(*))
    from after_it n join before_it o on o.id = n.id
   where (n.state = 'open') <> (o.state = 'open') group by n.state = 'open';
  return null;
end $$;
create trigger feed_conflicts_made after insert on conflict
  referencing new table as made for each statement execute function feed_cases_made('conflict');
create trigger feed_conflicts_changed after update on conflict
  referencing old table as before_it new table as after_it for each statement execute function feed_cases_changed('conflict');
create trigger feed_reviews_made after insert on entity_review
  referencing new table as made for each statement execute function feed_cases_made('review');
create trigger feed_reviews_changed after update on entity_review
  referencing old table as before_it new table as after_it for each statement execute function feed_cases_changed('review');

create function feed_sync() returns trigger language plpgsql set search_path from current as $$
begin
  insert into feed (kind, about) values ('sync.changed', json_build_object('sync', new.name, 'state', new.state));
  return null;
end $$;
create trigger feed_sync_made after insert on sync for each row execute function feed_sync();
create trigger feed_sync_changed after update of state on sync for each row
  when (old.state is distinct from new.state) execute function feed_sync();

create function feed_connection() returns trigger language plpgsql set search_path from current as $$
begin
  insert into feed (kind, about) values ('connection.changed',
    json_build_object('connection', new.name, 'state', new.state, 'waitUntil', new.wait_until));
  return null;
end $$;
create trigger feed_connection_made after insert on connection for each row execute function feed_connection();
-- A wait that only grows by moments is the same wait.
create trigger feed_connection_changed after update of state, wait_until on connection for each row
  when (old.state is distinct from new.state
        or new.wait_until > coalesce(old.wait_until, '-infinity') + interval '5 seconds'
        or (new.wait_until is null) <> (old.wait_until is null)) execute function feed_connection();

-- Only that something of a kind changed. The argument names the kind.
create function feed_note() returns trigger language plpgsql set search_path from current as $$
begin
  insert into feed (kind) values (tg_argv[0]);
  return null;
end $$;
create trigger feed_hold after insert or update of state on hold for each row execute function feed_note('hold.changed');
create trigger feed_drift after insert or update of state on drift for each row execute function feed_note('drift.changed');
create trigger feed_configuration after insert or update or delete on configuration for each row
  execute function feed_note('configuration.changed');
