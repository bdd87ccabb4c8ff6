-- What lists ask for, however rare it is among millions of rows: letters by state, runs by outcome or request, and events that came
-- to nothing. None of these columns changes per record on the way to a target.
create index dead_letter_by_state on dead_letter (state, created_at, id);
create index run_by_outcome on run (outcome, id);
create index run_by_request on run (request_id) where request_id is not null;
create index inbox_dead on inbox (id) where state = 'dead';
create index conflict_unsettled on conflict (state, id) where state <> 'settled';
create index entity_review_by_state on entity_review (state, id);
