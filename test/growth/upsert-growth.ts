/**
 * Does the ledger stay the size of its content? Loads a stream, then sends every record again and again through the pipeline's
 * own commits, every second time unchanged, with autovacuum as it is set in the migrations, and bounds what tables and indexes
 * grow to. Not part of `npm test`: at full size (`--rows 1000000`, the default) it takes minutes.
 *
 *   node test/growth/upsert-growth.ts [--rows 1000000] [--rounds 20]
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type pg from 'pg'
import { JsonText, SLICES, sliceOf } from '../../src/core/index.ts'
import {
  acquireLease,
  createLedger,
  type IncomingRecord,
  type Ledger,
  migrate,
  openStore,
} from '../../src/store/index.ts'

const PAGE = 500
const FILLER =
  'Lorem ipsum dolor sit amet, consetetur sadipscing elitr, sed diam nonumy eirmod tempor invidunt ut labore. '

/**
 * Vacuum comes by the clock (`autovacuum_naptime`, 5 s), so a machine that changes every row more often than that holds a version
 * more of each, however well all is set (3.5 at 100,000 rows in 3 s). Changes of every row begin no sooner after each other.
 */
const CHANGE_EVERY_MS = 6_000

/**
 * Most that a relation may grow to, against its size after the first load. Every other round changes *every* row, the worst
 * case: until vacuum has come by, old and new versions stand side by side. Measured: `record` 1.5 with a million rows, where
 * vacuum comes by several times in a round, and 2.7 with 200,000, where a round is over before it does; keys 1.0.
 */
const bounds = (rowCount: number): Record<string, number> => ({
  record: rowCount >= 500_000 ? 2.2 : 3.2,
  record_pkey: 1.3,
  record_by_slice: 3,
  record_key: 1.2,
  record_key_pkey: 1.2,
  record_key_by_value: 1.2,
})
/** Small tables that are written with every batch: their size in bytes, whatever the number of rows written. */
const SMALL: Record<string, number> = {
  sync_position: 2 ** 20,
  sync_position_pkey: 2 ** 20,
  stream: 2 ** 18,
  lease: 2 ** 18,
}

const { values } = parseArgs({
  options: { rows: { type: 'string', default: '1000000' }, rounds: { type: 'string', default: '20' } },
})
const rows = Number(values.rows)
const rounds = Number(values.rounds)

const folder = await mkdtemp(join(tmpdir(), 'causeway-growth-'))
const store = await openStore({ folder })
try {
  await migrate(store.pool)
  process.exitCode = await check(store.pool)
} finally {
  await store.close()
  await rm(folder, { recursive: true, force: true })
}

type Sizes = Map<string, number>
type Target = { streamId: number; syncId: number; positions: Map<number, number> }

async function check(pool: pg.Pool): Promise<number> {
  const ledger = createLedger(pool)
  const target = await prepare(pool, ledger)
  let first: Sizes = new Map()
  const largest: Sizes = new Map()
  const faults: string[] = []
  let changedAt = -Infinity
  for (let round = 1; round <= rounds; round++) {
    const isChange = round % 2 === 1
    if (isChange) {
      await sleep(Math.max(0, changedAt + CHANGE_EVERY_MS - performance.now()))
      changedAt = performance.now()
    }
    const before = await readMarks(pool)
    const start = performance.now()
    const changed = await sendAll(pool, ledger, target, Math.ceil(round / 2))
    const seconds = (performance.now() - start) / 1000
    const walPerRow = ((await readMarks(pool)).wal - before.wal) / rows
    const sizes = await measure(pool)
    if (round === 1) first = sizes
    for (const [name, size] of sizes) largest.set(name, Math.max(size, largest.get(name) ?? 0))
    printRound({ round, changed, seconds, walPerRow }, sizes)
    if (changed !== (isChange ? rows : 0)) faults.push(`round ${round}: ${changed} rows changed`)
    const touched = isChange ? 0 : await countTouched(pool, before.transaction)
    if (touched) faults.push(`round ${round}: ${touched} unchanged rows were written or locked`)
  }
  faults.push(...judge(first, largest))
  for (const fault of faults) process.stdout.write(`FAULT ${fault}\n`)
  process.stdout.write(faults.length ? '' : 'The ledger stays the size of its content.\n')
  return faults.length ? 1 : 0
}

async function prepare(pool: pg.Pool, ledger: Ledger): Promise<Target> {
  const { rows: ids } = await pool.query<{ stream: number; sync: number }>(
    `with c as (insert into connection (name, connector) values ('growth', 'none') returning id),
          s as (insert into stream (connection_id, name) select id, 'rows' from c returning id),
          y as (insert into sync (name, from_stream, to_stream, version) select 'growth', id, id, 'v' from s returning id)
     select s.id as stream, y.id as sync from s, y`,
  )
  const { stream, sync } = ids[0]!
  const slices = Array.from({ length: SLICES }, (_, slice) => slice)
  return { streamId: stream, syncId: sync, positions: await ledger.readPositions(sync, stream, slices) }
}

/** One pull of everything: pages into the change log, and after each the position of a sync that follows. */
async function sendAll(pool: pg.Pool, ledger: Ledger, target: Target, content: number): Promise<number> {
  let changed = 0
  const lease = await acquireLease(pool, `growth ${performance.now()}`, { holder: 'check', ttlMs: 3_600_000 })
  for (let from = 0; from < rows; from += PAGE) {
    const page = await ledger.commitPage({
      streamId: target.streamId,
      records: Array.from({ length: Math.min(PAGE, rows - from) }, (_, i) => record(from + i, content)),
      rejected: [],
      requestedAt: new Date(),
      cursor: { from },
      runId: null,
      lease: lease!,
    })
    changed += page.changed.length
    const moves = movesOf(page.changed, target.positions)
    await ledger.movePositions(target.syncId, target.streamId, lease!, moves)
  }
  return changed
}

function record(n: number, content: number): IncomingRecord {
  const id = `customer-${n}`
  return {
    id,
    version: null,
    hash: `${content}-${n}`.padEnd(22, 'h'),
    body: JsonText.of({ id, content, name: `Customer ${n}`, text: FILLER.repeat(1 + ((n + content) % 4)) }),
    content: null,
    deleted: false,
    keys: [{ field: 'email', value: `customer${n}@example.com` }],
    aliases: [],
  }
}

function movesOf(changed: { id: string; seq: number }[], positions: Map<number, number>) {
  const reached = new Map<number, number>()
  for (const { id, seq } of changed) reached.set(sliceOf(id), Math.max(seq, reached.get(sliceOf(id)) ?? 0))
  return [...reached].map(([slice, to]) => {
    const from = positions.get(slice) ?? 0
    positions.set(slice, to)
    return { slice, from, to }
  })
}

async function readMarks(pool: pg.Pool): Promise<{ wal: number; transaction: string }> {
  const { rows: answer } = await pool.query<{ wal: string; transaction: string }>(
    `select pg_current_wal_insert_lsn() - '0/0' as wal, pg_current_xact_id()::text as transaction`,
  )
  return { wal: Number(answer[0]!.wal), transaction: answer[0]!.transaction }
}

/** Rows that a later transaction wrote (xmin) or locked (xmax): a lock dirties the page and is logged like a write. */
async function countTouched(pool: pg.Pool, since: string): Promise<number> {
  const { rows: answer } = await pool.query<{ n: number }>(
    `select (select count(*) from record where xmin::text::bigint > $1 or xmax::text::bigint > $1)
          + (select count(*) from record_key where xmin::text::bigint > $1 or xmax::text::bigint > $1) as n`,
    [since],
  )
  return answer[0]!.n
}

async function measure(pool: pg.Pool): Promise<Sizes> {
  const names = [...Object.keys(bounds(rows)), ...Object.keys(SMALL)]
  const { rows: sizes } = await pool.query<{ name: string; size: number }>(
    `select n as name, pg_relation_size(n::regclass) + case when c.reltoastrelid = 0 then 0 else pg_total_relation_size(c.reltoastrelid) end as size
       from unnest($1::text[]) n join pg_class c on c.oid = n::regclass`,
    [names],
  )
  return new Map(sizes.map(({ name, size }) => [name, size]))
}

function judge(first: Sizes, largest: Sizes): string[] {
  const faults: string[] = []
  for (const [name, bound] of Object.entries(bounds(rows))) {
    const ratio = largest.get(name)! / first.get(name)!
    process.stdout.write(`${name.padEnd(22)} grew to ${ratio.toFixed(2)} of its first load (bound ${bound})\n`)
    if (ratio > bound) faults.push(`${name} grew to ${ratio.toFixed(2)}, more than ${bound}`)
  }
  for (const [name, bound] of Object.entries(SMALL)) {
    const size = largest.get(name)!
    process.stdout.write(`${name.padEnd(22)} at most ${megabytes(size)} MB (bound ${megabytes(bound)})\n`)
    if (size > bound) faults.push(`${name} takes ${megabytes(size)} MB, more than ${megabytes(bound)}`)
  }
  return faults
}

function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(bytes < 2 ** 24 ? 2 : 0)
}

function printRound(
  result: { round: number; changed: number; seconds: number; walPerRow: number },
  sizes: Sizes,
): void {
  const { round, changed, seconds, walPerRow } = result
  const parts = [...sizes].map(([name, size]) => `${name} ${megabytes(size)}`).join(', ')
  process.stdout.write(
    `round ${round}: ${changed} changed, ${seconds.toFixed(1)} s, ${Math.round(rows / seconds)} rows/s, ${walPerRow.toFixed(0)} B log/row | MB: ${parts}\n`,
  )
}
