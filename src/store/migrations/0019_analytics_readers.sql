-- Roles that the hub let read a schema for analytics, so that it takes back what it gave and nothing else.
create table analytics_reader (
  schema_name text collate "C" not null,
  role text collate "C" not null,
  primary key (schema_name, role)
);
