-- The timeline mixes the audit with runs by time.
create index audit_by_time on audit (at desc, id desc);
