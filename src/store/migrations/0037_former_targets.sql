-- Which targets the hub deleted, or was told are gone: a match in the log is held against that.
create index former_link_gone on former_link (target_stream, target_id) where gone;
