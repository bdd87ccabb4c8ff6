-- A webhook said that something of the stream changed: from this moment on a pull is due.
alter table stream add column pull_due_at timestamptz;
