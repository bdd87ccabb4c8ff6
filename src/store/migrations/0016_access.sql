-- Who may use the hub.

-- People. A password is an argon2id hash in PHC form; people of an OpenID provider have none and are known by issuer and subject.
create table hub_user (
  id            bigint generated always as identity primary key,
  name          text not null unique,
  role          text not null check (role in ('viewer', 'operator', 'editor', 'admin')),
  password      text,
  issuer        text,
  subject       text,
  created_at    timestamptz not null default now(),
  disabled_at   timestamptz,
  last_login_at timestamptz,
  unique (issuer, subject),
  check ((issuer is null) = (subject is null))
);

-- Tokens of programs. Only a hash is kept; the prefix tells people which is which.
create table api_token (
  id           bigint generated always as identity primary key,
  name         text not null,
  prefix       text not null,
  hash         bytea not null unique,
  role         text not null check (role in ('viewer', 'operator', 'editor', 'admin')),
  -- Narrower than the role where it is set.
  scopes       text[],
  created_by   text not null,
  created_at   timestamptz not null default now(),
  expires_at   timestamptz,
  last_used_at timestamptz,
  revoked_at   timestamptz
);
-- The audit names a token by its name: of those that live, one has it.
create unique index api_token_live_name on api_token (name) where revoked_at is null;

create table user_session (
  hash       bytea primary key,
  user_id    bigint not null references hub_user on delete cascade,
  created_at timestamptz not null default now(),
  seen_at    timestamptz not null default now(),
  expires_at timestamptz not null
);
create index user_session_user on user_session (user_id);

-- Logins at an OpenID provider that have not come back. The row is taken out when they do, so that each comes back once.
create table pending_login (
  state_hash bytea primary key,
  expires_at timestamptz not null
);

-- Failed logins of a minute, by hashed account or address. Over all processes.
create unlogged table login_failure (
  key       bytea not null,
  minute    timestamptz not null,
  failures  integer not null,
  primary key (key, minute)
);
