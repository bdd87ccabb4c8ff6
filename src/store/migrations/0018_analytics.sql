-- Tables that follow streams for people who ask in SQL. They lie in a schema of their own; here is what the hub knows of them.
create table analytics_table (
  target text collate "C" not null,
  schema_name text collate "C" not null,
  name text collate "C" not null,
  stream_id integer not null,
  columns text not null,
  history_columns text,
  -- The change log has been taken over up to here.
  position bigint not null default 0,
  -- What went wrong the last time, as an error in JSON.
  error text,
  changed_at timestamptz not null default now(),
  primary key (schema_name, name)
);
create index analytics_table_by_stream on analytics_table (stream_id);

-- Files are written by one process when their time has come.
create table analytics_files (
  target text collate "C" primary key,
  written_at timestamptz not null,
  error text
);
