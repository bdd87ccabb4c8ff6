-- The words of a record, to find those that have several: each word's beginnings alone may fit a tenth of all records, and only an index
-- that holds lists of records by word can tell which of them stand in all lists.
create function identity_words(keys text[]) returns tsvector
  language sql immutable strict parallel safe
  as $$ select array_to_tsvector(coalesce(array_agg(distinct substr(key, 3)) filter (where key like 'w=_%'), '{}')) from unnest(keys) as k(key) $$;
create index identity_by_words on identity using gin (identity_words(keys)) with (gin_pending_list_limit = 512);
