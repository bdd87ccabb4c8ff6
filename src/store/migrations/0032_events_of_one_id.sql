-- What stood in the first event of an id: senders give an id to several events (HubSpot says that its ids are not unique). Null for events of before.
alter table inbox_seen add column body_digest text collate "C";
