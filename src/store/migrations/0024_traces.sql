-- Which trace a change belongs to, so that whoever delivers it, in whichever process, goes on with it. Written only while traces are made,
-- and gone after a day. By number, which names the state of a record: no id of a record stands here.
create table change_trace (
  stream_id integer not null,
  seq bigint not null,
  traceparent text not null,
  at timestamptz not null default now(),
  primary key (stream_id, seq)
);
create index change_trace_at on change_trace (at);
