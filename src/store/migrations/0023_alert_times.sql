-- Since when a pull waits to begin, asked for once or many times meanwhile; null while none waits. What was asked for before is taken as
-- asked for now: nobody is late because of an upgrade.
alter table stream add column pull_asked_at timestamptz;
update stream set pull_asked_at = now() where pull_mode is not null and not pull_begun;

-- The digest that tells a message whose state is `folded`.
alter table alert_message add column folded_into text collate "C";
