-- A create that may have taken effect and went with an idempotency key that the target obeys: with the same key and the same values it is sent again,
-- with others it is looked for first.
alter table intent add column repeatable boolean not null default false;
