-- Something of the stream changed, as a webhook said, and no pull since has ended well: outlives a pull that is given up.
alter table stream add column pull_owed boolean not null default false;
