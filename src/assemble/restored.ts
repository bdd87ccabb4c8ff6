/** A ledger that comes from a backup, before anything is started on it: whether it is whole, and what the first start will do. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { checkHub, type Settings } from '../config/index.ts'
import { asCausewayError } from '../core/index.ts'
import { openQueue, WORK_KINDS } from '../queue/index.ts'
import {
  countByKey,
  createSecretStore,
  lastSlots,
  MasterKeys,
  migrationStatus,
  openStore,
  readErasures,
  type Store,
  verifyAudit,
} from '../store/index.ts'
import { type LedgerStanding, showStanding } from '../store/views/index.ts'
import { listedErasures } from './erasures.ts'
import { masterKeySource } from './secrets.ts'

export type RestoredCheck = { check: string; ok: boolean; detail: string; fix?: string }
type Parts = { store: Store; settings: Settings; dir: string; dataDir: string }

/** Looks and changes nothing: no migration, no erasure, no key is made. Throws CSW-6001 where the database does not answer. */
export async function checkRestored(dir: string): Promise<RestoredCheck[]> {
  const { settings } = await checkHub({ folder: dir })
  const dataDir = resolve(dir, settings.data_dir)
  const store = await openStore({
    databaseUrl: settings.database_url ?? undefined,
    folder: dataDir,
    // Told apart from hubs that are still at work.
    applicationName: 'doctor',
  })
  try {
    const schema = await schemaCheck(store)
    if (!schema.ok) return [schema]
    const standing = await showStanding(store.pool)
    const parts = { store, settings, dir, dataDir }
    return [
      schema,
      othersCheck(standing),
      ageCheck(standing),
      await auditCheck(store),
      ...(await keyChecks(parts)),
      await erasureCheck(parts),
      leaseCheck(standing),
      writeCheck(standing),
      deliveryCheck(standing),
      inboxCheck(standing),
      await slotCheck(store),
      await queueCheck(parts),
    ]
  } finally {
    await store.close()
  }
}

async function schemaCheck({ pool }: Store): Promise<RestoredCheck> {
  const { applied, pending } = await migrationStatus(pool)
  if (!applied.length)
    return {
      check: 'ledger',
      ok: false,
      detail: 'the database holds no ledger',
      fix: 'Put the dump into it, or correct database_url.',
    }
  if (!pending.length) return { check: 'ledger', ok: true, detail: `at migration ${applied.length}` }
  const fix = 'Run `causeway migrate`, then look again.'
  return { check: 'ledger', ok: false, detail: `of a former version: ${pending.length} migrations are missing`, fix }
}

const othersCheck = ({ others }: LedgerStanding): RestoredCheck => ({
  check: 'other processes',
  ok: others === 0,
  detail: others ? `${others} sessions of hubs are in this database` : 'none is in this database',
  fix: 'Stop all of them before you go on: what they know is not what was restored.',
})

const ageCheck = ({ lastAt, runs }: LedgerStanding): RestoredCheck => ({
  check: 'age',
  ok: true,
  detail: `${
    lastAt
      ? `nothing is known of what came after ${lastAt.toISOString()}: run each sync in full once it works (\`causeway run SYNC --full\`)`
      : 'nothing ever happened here'
  }${runs ? `; ${runs} runs that were under way end as interrupted` : ''}`,
})

async function auditCheck({ pool }: Store): Promise<RestoredCheck> {
  const audit = await verifyAudit(pool)
  return {
    check: 'audit',
    ok: audit.ok,
    detail: audit.ok
      ? `${audit.rows} rows, each follows the one before; the last is ${audit.head}: compare it with the one noted at the backup`
      : `broken at row ${audit.brokenAt}: ${audit.reason}`,
    fix: 'Take another backup; this one was changed after it was made, or is not whole.',
  }
}

/** That what is sealed can be opened, each of them. No key is made where there is none: it would hide that one is missing. */
async function keyChecks({ store, settings, dir, dataDir }: Parts): Promise<RestoredCheck[]> {
  const { pool } = store
  const needed = await countByKey(pool)
  const fix =
    'Put the master key of the backup back (CAUSEWAY_MASTER_KEY, its command, or the file `master-key` in the data folder).'
  const source = masterKeySource(settings, dir, dataDir)
  if (!source.value && !source.command && !existsSync(source.file)) {
    const detail = needed.size ? 'there is none, and the ledger holds sealed secrets' : 'none is needed yet'
    return [{ check: 'master key', ok: needed.size === 0, detail, fix }]
  }
  const keys = await MasterKeys.load(source)
  const secrets = createSecretStore(pool, keys)
  const { rows } = await pool.query<{ connection: string; field: string }>('select connection, field from secret')
  const shut = new Map<string, number>()
  for (const place of rows) {
    await secrets.get(place).catch((thrown: unknown) => {
      const { code } = asCausewayError(thrown)
      shut.set(code, (shut.get(code) ?? 0) + 1)
    })
  }
  const bad = [...shut].map(([code, count]) => `${count} with ${code}`)
  const detail = bad.length
    ? `of ${rows.length} sealed secrets and keys of bodies do not open: ${bad.join(', ')}`
    : `${rows.length} sealed secrets and keys of bodies open`
  return [{ check: 'master key', ok: bad.length === 0, detail, fix }]
}

async function erasureCheck({ store, dataDir }: Parts): Promise<RestoredCheck> {
  const [listed, known] = [await listedErasures(dataDir), await readErasures(store.pool)]
  if (listed === null)
    return {
      check: 'erasures',
      ok: known.length === 0,
      detail: known.length
        ? `the list erasures.jsonl is not in the data folder: who was erased after the backup would come back`
        : 'nobody was erased',
      fix: 'Put the newest erasures.jsonl into the data folder.',
    }
  const there = new Set(known.map(({ field, hash }) => `${field} ${hash}`))
  const lost = listed.filter(({ field, hash }) => !there.has(`${field} ${hash}`)).length
  return {
    check: 'erasures',
    ok: true,
    detail: lost
      ? `${lost} of ${listed.length} were made after the backup: they are carried out again before any work begins`
      : `all ${listed.length} of the list are in the ledger`,
  }
}

const leaseCheck = ({ leases, leasesUntil }: LedgerStanding): RestoredCheck => ({
  check: 'leases',
  ok: true,
  detail: leases
    ? `${leases} still run, until ${leasesUntil!.toISOString()} at the latest; then they are taken over under a higher number, so that no former holder can commit`
    : 'none runs; each is taken anew under a higher number, so that no former holder can commit',
})

const writeCheck = ({ intents }: LedgerStanding): RestoredCheck => ({
  check: 'writes under way',
  ok: true,
  detail: intents.length
    ? `${intents.map(({ sync, writes }) => `${writes} of ${sync}`).join(', ')}: each is looked up in its target before anything is sent`
    : 'none',
})

const deliveryCheck = ({ pending, inDoubt, letters }: LedgerStanding): RestoredCheck => ({
  check: 'deliveries',
  ok: true,
  detail: `${pending} are tried again, ${inDoubt} are in doubt and looked up first, ${letters} dead letters wait for a person as before`,
})

const inboxCheck = ({ inbox, inboxSince }: LedgerStanding): RestoredCheck => ({
  check: 'inbox',
  ok: true,
  detail: inbox
    ? `${inbox} webhooks that nobody has read, the oldest of ${inboxSince!.toISOString()}: the first worker reads them`
    : 'every webhook was read',
})

async function slotCheck({ pool }: Store): Promise<RestoredCheck> {
  const slots = await lastSlots(pool)
  const detail = slots.size
    ? `${slots.size} fired before; where slots were missed since, the latest fires once at the start`
    : 'none fired yet; the first slot to come is the first to fire'
  return { check: 'schedules', ok: true, detail }
}

/** What goes wrong is thrown, and told as a failed check. */
const QUIET = { info: () => undefined, warn: () => undefined, error: () => undefined }

/** A queue in the ledger's database came with the dump; one in Redis is of another time. */
async function queueCheck({ settings }: Parts): Promise<RestoredCheck> {
  if (!settings.redis_url)
    return {
      check: 'queue',
      ok: true,
      detail: 'came with the ledger; what it lacks is found in the tables within seconds',
    }
  const queue = await openQueue({ backend: 'redis', url: settings.redis_url }, { log: QUIET })
  try {
    const backlogs = await Promise.all(WORK_KINDS.map((kind) => queue.backlog(kind)))
    const jobs = backlogs.reduce((sum, { waiting, delayed, active }) => sum + waiting + delayed + active, 0)
    return {
      check: 'queue',
      ok: jobs === 0,
      detail: jobs
        ? `${jobs} jobs in Redis are of another time than the ledger`
        : 'empty; it is made anew out of the ledger',
      fix: 'Empty that database of Redis (`redis-cli flushdb`).',
    }
  } finally {
    await queue.close()
  }
}
