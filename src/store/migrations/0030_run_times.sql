-- Where the time of a run went, in milliseconds by part; null for runs of before.
alter table run add column times jsonb;
