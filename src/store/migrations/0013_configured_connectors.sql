-- Connectors that connections use belong to the configuration too, each with the text of its manifest, for a plan shows what changed in it.
alter table configuration drop constraint configuration_kind_check;
alter table configuration add constraint configuration_kind_check check (kind in ('connection', 'connector', 'sync'));
alter table configuration add column source text;
