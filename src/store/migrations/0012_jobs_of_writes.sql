-- Which job of the target system a write is in, from before the job is started until its outcome is known. JSON: what the connector
-- needs to ask for it again, and a digest of the values that went with it.
alter table intent add column job text;
