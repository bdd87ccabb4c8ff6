import type pg from 'pg'
import type { Seeded } from '../http/rows.ts'

/**
 * Fills every list of the admin page with `count` rows, by SQL alone. Rows are numbered from 1: record `c<n>` of the CRM with its
 * e-mail address, delivery, link and entity; run and letter n are of n minutes into 2026. What is rare is old: the first ten runs failed, the
 * first `open` letters are open.
 */
export async function fillLists(pool: pg.Pool, ids: Seeded, count: number, open = 100): Promise<void> {
  const numbers = `generate_series(1, ${count}) n`
  const parity = `case n % 2 when 1 then 'odd' else 'even' end`
  const error = `'{"code":"CSW-3008","what":"refused"}'`
  const statements = [
    `insert into run (kind, trigger, stream_id, sync_id, request_id, started_at, heartbeat_at, finished_at, outcome, counts)
     select case n % 2 when 0 then 'pull' else 'push' end, 'schedule', case n % 2 when 0 then ${ids.contacts} end,
            case n % 2 when 1 then ${ids.sync} end, 'asked-' || n, t, t, t + interval '4 seconds',
            case when n <= 10 then 'failed' else 'success' end, '{"read":100,"changed":3}'
       from ${numbers}, lateral (select timestamptz '2026-01-01Z' + n * interval '1 minute' as t) at`,
    `insert into record (stream_id, id, slice, seq, hash, body, observed_at)
     select ${ids.contacts}, 'c' || n, n % 64, n, 'h', '{"email":"c' || n || '@example.org"}', now() from ${numbers}`,
    `insert into record_key (stream_id, field, value, record_id)
     select ${ids.contacts}, 'email', 'c' || n || '@example.org', 'c' || n from ${numbers}`,
    `insert into delivery (sync_id, record_id, slice, state, source_seq, delivered, mapping_version)
     select ${ids.sync}, 'c' || n, n % 64, 'delivered', n, '{"mail":"c' || n || '"}', 'v1' from ${numbers}`,
    `insert into dead_letter (kind, sync_id, record_id, part, code, fingerprint, error, input, attempts, state, created_at)
     select 'push', ${ids.sync}, 'c' || n, '', 'CSW-3008', 'f', ${error}, '{}', 3, case when n <= ${open} then 'open' else 'resolved' end,
            timestamptz '2026-01-01Z' + n * interval '1 minute'
       from ${numbers}`,
    `insert into link (stream_id, record_id, entity_id) select ${ids.contacts}, 'c' || n, n from ${numbers}`,
    `insert into identity (stream_id, record_id, type, shown, keys, pending)
     select ${ids.contacts}, 'c' || n, 'person', '{}', array['e=c' || n || '@example.org', 'w=c' || n, 'w=' || ${parity}], false from ${numbers}`,
    `insert into identity_key (type, key, stream_id, record_id)
     select 'person', k, ${ids.contacts}, 'c' || n from ${numbers}, unnest(array['e=c' || n || '@example.org', 'w=c' || n, 'w=' || ${parity}]) k`,
    `insert into entity_review (type, kind, left_stream, left_id, right_stream, right_id, points, state)
     select 'person', 'match', ${ids.contacts}, 'c' || n, ${ids.customers}, 'd' || n, 5, case when n > ${count - 100} then 'open' else 'rejected' end
       from ${numbers}`,
    `insert into conflict (sync_id, from_id, to_id, field, side, base, from_value, to_value, state)
     select ${ids.sync}, 'c' || n, 'd' || n, 'phone', 'to', '1', '2', '3', case when n <= 100 then 'open' else 'settled' end from ${numbers}`,
    `insert into inbox (connection_id, stream, event_id, headers, body, state)
     select ${ids.crm}, 'contacts', 'e' || n, '{}', '{}', case when n <= 10 then 'dead' else 'done' end from ${numbers}`,
    `insert into audit (at, actor, action, subject, detail, previous_hash, hash)
     select timestamptz '2026-01-01Z' + n * interval '1 minute', case when n <= 10 then 'user:rare' else 'user:ada' end,
            case when n <= 10 then 'configuration.apply' else 'sync.run' end,
            case when n <= 10 then 'configuration' else 'sync:contacts-to-erp' end, '{}', 'p' || n, 'h' || n
       from ${numbers}`,
    `update stream set seq = ${count} where id = ${ids.contacts}`,
    'analyze',
  ]
  for (const statement of statements) await pool.query(statement)
}
