-- Who did it, what was done, and to what: each filter of the audit leads to its newest entries. The page of changes asks for one action
-- each time it is opened, of which there may be few among millions.
create index audit_by_actor on audit (actor, id desc);
create index audit_by_action on audit (action, id desc);
create index audit_by_subject on audit (subject, id desc);
