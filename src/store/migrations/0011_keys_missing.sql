-- Match or join fields of the stream have changed, and not all of its records have their values yet: `walk` while the log is gone
-- through, `asked` when only a full pull can bring them (their bodies were shrunk), `pull` while that is under way.
alter table stream add column keys_missing text check (keys_missing in ('walk', 'asked', 'pull'));
