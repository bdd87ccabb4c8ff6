import { BackupKeeper, toolsMissing } from '../rig/backups.ts'
import type { Check, Row } from '../rig/row.ts'
import { isAcknowledged } from '../rig/sender.ts'
import { sleep, until } from '../rig/waiting.ts'
import type { World } from '../rig/world.ts'

const MINUTE = 60_000

/** Webhooks of records that the source shows as well, five a second until it is ended. */
function pour({ source, sender, random }: World): { end: () => Promise<unknown> } {
  let over = false
  const pouring = (async () => {
    const sent: Promise<unknown>[] = []
    for (let n = 0; !over; n++) {
      const { id, rev, name } = source.put(random.chance(0.5) ? `n${n}` : `c${random.between(0, 39)}`)
      sent.push(sender.send(sender.event({ id, rev, name })))
      await sleep(200)
    }
    await Promise.all(sent)
  })()
  return {
    end: () => {
      over = true
      return pouring
    },
  }
}

/** Waits until something was archived after `since`, and for some seconds of work that is not. */
async function betweenTwoSegments({ pool }: World, since: number): Promise<void> {
  const age = async (): Promise<number> => {
    const { rows } = await pool.query<{ at: Date | null }>('select last_archived_time as at from pg_stat_archiver')
    const at = rows[0]!.at?.getTime() ?? 0
    return at > since ? Date.now() - at : 0
  }
  await until('ten seconds have passed since a segment was archived', age, (ms) => ms > 10_000, 4 * MINUTE, 500)
}

/** What of the acknowledged webhooks the restored ledger has, and how long before the end the first came that it lacks. */
async function compareInbox(
  { pool, sender }: World,
  check: Check,
  { backup, end, bar }: { backup: number; end: number; bar: number },
): Promise<void> {
  const { rows } = await pool.query<{ event_id: string }>('select event_id from inbox')
  const known = new Set(rows.map(({ event_id }) => event_id))
  const taken = sender.answers.filter(isAcknowledged)
  const came = taken.filter(({ at, eventId }) => at > backup && known.has(eventId))
  const gone = taken.filter(({ eventId }) => !known.has(eventId))
  check.atLeast('webhooks since the base backup that came back', came.length, 1)
  // Else it was no loss, and what follows says nothing.
  check.atLeast('webhooks lost', gone.length, 1)
  check.within('lost before the end', end - Math.min(end, ...gone.map(({ at }) => at)), bar)
}

async function read(world: World): Promise<void> {
  const { requestId } = await world.hub.api<{ requestId: string }>('POST', '/syncs/contacts/run', { full: true })
  const ended = async (): Promise<string[]> => {
    const { rows } = await world.pool.query<{ outcome: string }>(
      `select outcome from run where request_id = $1 and kind = 'pull' and outcome <> 'running'`,
      [requestId],
    )
    return rows.map(({ outcome }) => outcome)
  }
  await until('the source is read', ended, (outcomes) => outcomes.includes('success'), 2 * MINUTE)
}

export const row: Row = {
  id: 'L6',
  title: 'the server of the ledger is lost, and comes back from a base backup and its log',
  holds: ['I2', 'I3', 'I5'],
  promise:
    'With a base backup and its log at most five minutes of the ledger are lost when its server is lost with all it had, the hub is back within 15, and nothing is made twice or older than it was.',
  method:
    'The commands of the page on [backups](operate/backup.md) as they stand there: the base backup is taken while webhooks come in and are delivered, and at a moment between two archived segments the server ends and its whole folder goes. It is put back and looked at, every source is read, and then syncs deliver. What was acknowledged and is missing came less than five minutes before the end (90 seconds in short form); 0 duplicates, 0 orphans, nothing older over newer.',
  world: { ownPostgres: true, lanes: 2 },
  missing: toolsMissing,
  async run(world, check, { short }) {
    const { hub, postgres, source, target } = world
    const keeper = await BackupKeeper.of(world)
    try {
      await keeper.does('Archive the log')
      await postgres.stop()
      await postgres.up()
      source.fill(40)
      await world.start(2)
      await hub.api('POST', '/syncs/contacts/run', { full: true })
      await world.drained(MINUTE)
      const began = Date.now()
      const pouring = pour(world)
      await sleep(5_000)
      await keeper.does('Take a base backup')
      const backup = Date.now()
      await keeper.does('Whether it arrives')
      // Long enough that more than what may be lost could be.
      await sleep((short ? 1 : 6) * MINUTE)
      await betweenTwoSegments(world, backup)
      await postgres.crash()
      const end = Date.now()
      await pouring.end()
      await hub.stop()
      hub.workers.length = 0
      await postgres.lose()
      check.note('worked before, s', (end - began) / 1_000)

      await keeper.does('Put it back')
      await postgres.up()
      await keeper.does('Start the server')
      await compareInbox(world, check, { backup, end, bar: short ? 90_000 : 5 * MINUTE })
      await keeper.does('Looking at it')
      await keeper.does('Starting again')
      await world.start(2)
      await read(world)
      await hub.api('POST', '/syncs/contacts/resume', {})
      check.note('drained ms', await world.drained(3 * MINUTE))
      check.within('back after the loss', Date.now() - end, 15 * MINUTE)
      check.equal('created in all', target.creates, source.contacts.size)
      check.ledgers(await world.ledgers({ pulls: true }))
    } finally {
      await keeper.close()
    }
  },
}
