-- What a create of a two-way sync sent, JSON text (sealed where the source is not kept in full): where its answer was lost, that is what both
-- sides agreed on last. Null for writes of before, and for all others.
alter table intent add column sent text;
