-- A changed record is written anew, on its own page where that has room, else on another one: in a log that was changed all over and vacuumed that is
-- a third page at random, read, written and logged, beside the record's own and its leaf of the index (the first migration saw only that no such
-- update can be HOT). Takes a moment and keeps out neither reads nor writes; pages that are full get room as their records change.
alter table record set (fillfactor = 85);
