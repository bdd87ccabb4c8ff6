-- Ids met by a complete scan that is under way, a row per commit instead of a row per record. What an unfinished scan met
-- before this migration is carried over.
create table scan_page (
  id            bigint generated always as identity primary key,
  stream_id     integer not null,
  scan_id       bigint not null,
  record_ids    text[] not null collate "C"
);
create index scan_page_by_scan on scan_page (stream_id, scan_id);
insert into scan_page (stream_id, scan_id, record_ids)
  select stream_id, scan_id, array_agg(record_id) from scan_seen group by stream_id, scan_id;
drop table scan_seen;
