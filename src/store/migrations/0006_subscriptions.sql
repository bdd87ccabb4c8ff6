-- Webhooks that the hub ordered. `ordering`: committed before the order goes out, and stays until its outcome is known;
-- `active`: it lives; `leaving`: nobody needs it any more, or another one takes its place.
create table webhook_subscription (
  id            bigint generated always as identity primary key,
  connection_id integer not null,
  -- Null where one serves all streams of the connection.
  stream        text,
  url           text not null,
  events        text not null,
  state         text not null default 'ordering' check (state in ('ordering', 'active', 'leaving')),
  remote_id     text,
  -- When the newest order was sent whose answer is not known.
  sent_at       timestamptz,
  expires_at    timestamptz,
  renew_at      timestamptz,
  -- When it was last seen in the system itself.
  seen_at       timestamptz,
  created_at    timestamptz not null default now(),
  failures      integer not null default 0,
  next_at       timestamptz,
  error         text
);
create unique index webhook_subscription_wanted on webhook_subscription (connection_id, coalesce(stream, ''))
 where state <> 'leaving';
