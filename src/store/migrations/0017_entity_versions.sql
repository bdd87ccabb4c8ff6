-- Which version of each entity file the hub works with: that of the process that loaded one last. A process that still has another one
-- leaves the matching to those that have this one, or both would begin anew for ever.
create table entity_version (
  type text collate "C" primary key,
  version text not null,
  since timestamptz not null default now()
);
-- Entity files belong to the configuration that is planned and applied.
alter table configuration drop constraint configuration_kind_check;
alter table configuration add constraint configuration_kind_check check (kind in ('connection', 'connector', 'entity', 'sync'));
