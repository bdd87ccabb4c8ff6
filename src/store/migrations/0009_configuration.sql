-- What the files said when a hub last began to work with them: a plan of the configuration compares with it. One row for each
-- connection and each sync; fields are JSON of name → text, without secrets.
create table configuration (
  kind          text not null check (kind in ('connection', 'sync')),
  name          text not null collate "C",
  fields        text not null,
  since         timestamptz not null default now(),
  primary key (kind, name)
);
