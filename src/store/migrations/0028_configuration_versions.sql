-- Each configuration that came into force: the files as they stood, once each by their digest, and who made it so. What is secret in
-- them is masked before it comes here.
create table configuration_version (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  -- Over the paths and texts of all files and the environment: the same for the same configuration.
  digest text not null,
  environment text,
  how text not null check (how in ('start', 'edit', 'plan', 'roll_back')),
  actor text not null,
  host text not null,
  reason text,
  -- Of a roll-back: the version whose files were written back.
  back_to bigint,
  -- What differs from the version before: files and items by name.
  changes text not null
);
create table configuration_file (
  digest text primary key,
  content bytea not null
);
create table configuration_version_file (
  version_id bigint not null references configuration_version on delete cascade,
  path text collate "C" not null,
  digest text not null references configuration_file,
  -- A secret stood in it, so that it cannot be written back.
  masked boolean not null,
  primary key (version_id, path)
);
create index configuration_version_file_digest on configuration_version_file (digest);
-- Which mapping each sync had, so that a run, which keeps the version of its mapping, leads to the configuration.
create table configuration_version_mapping (
  version_id bigint not null references configuration_version on delete cascade,
  sync text collate "C" not null,
  mapping_version text not null,
  primary key (version_id, sync)
);
create index configuration_version_mapping_sync on configuration_version_mapping (sync, mapping_version);
