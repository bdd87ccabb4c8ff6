-- What counts of open letters ask for: who has them, and what tells their causes apart. Every page asks, so it is answered from the index
-- alone, which does not read the letters with the records they keep.
create index dead_letter_open_counts on dead_letter (sync_id, stream_id, connection_id, kind, code, fingerprint, created_at, id)
  where state = 'open';
