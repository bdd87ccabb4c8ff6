import { z } from 'zod'
import { CausewayError } from '../core/index.ts'
import { connectionName, letters, number, reason, syncName, text } from './fields.ts'
import { apiPath, type Hub } from './hub.ts'
import * as answers from './hub-answers.ts'
import { type Preview, type WriteTool, writeTool } from './tool.ts'

const PLANNED = 1_000

/** Tools that change something. Each does first what it would do, and then nothing else. */
export const WRITE_TOOLS: WriteTool[] = [
  writeTool({
    name: 'run_sync',
    title: 'Run a sync',
    description: 'Pulls the source of a sync and delivers what changed. Follow it with show_request.',
    fields: {
      sync: syncName,
      full: z.boolean().optional().describe('Reads the source from its beginning.'),
      reason: reason.optional(),
    },
    scope: 'syncs:operate',
    destructive: true,
    idempotent: false,
    reachesSystems: true,
    preview: async (hub, { sync, full }) => ({
      ...(await syncNow(hub, sync)),
      would: `Pull the source of ${sync}${full ? ' from its beginning' : ''} and deliver what changed.`,
      act: (to, why) => to.call('POST', apiPath(['syncs', sync, 'run']), { full: full ?? false, reason: why }),
    }),
  }),
  ...stateTools('sync'),
  ...stateTools('connection'),
  letterTool('requeue', {
    title: 'Try dead letters again',
    description: 'Tries again, with their present records and mappings, the open dead letters that the filter selects.',
    why: reason.optional(),
    reachesSystems: true,
  }),
  letterTool('discard', {
    title: 'Give dead letters up',
    description: 'Gives up the open dead letters that the filter selects: they are not delivered any more.',
    why: reason,
    reachesSystems: false,
  }),
  writeTool({
    name: 'apply_plan',
    title: 'Do what a plan says',
    description:
      'Plans a push of a sync, or of some of its records, and writes exactly that, or nothing where something moved.',
    fields: {
      sync: syncName,
      records: z.array(text('Id of a source record.')).min(1).max(PLANNED).optional().describe('Only these.'),
      reason: reason.optional(),
    },
    scope: 'records:write',
    destructive: true,
    idempotent: true,
    reachesSystems: true,
    preview: previewPlan,
  }),
  writeTool({
    name: 'undo_run',
    title: 'Take back what a run wrote',
    description: 'Gives fields that a run wrote their former values, where they still hold what it wrote.',
    fields: { id: number('Number of the run.'), reason: reason.optional() },
    scope: 'records:write',
    destructive: true,
    idempotent: true,
    reachesSystems: true,
    preview: async (hub, { id }) => {
      const path = apiPath(['runs', id, 'undo'])
      const planned = answers.read(await hub.call('POST', path, { plan: true }), answers.undo)
      return {
        would: `Give ${planned.restored} records the values they had before run ${id}.`,
        details: planned,
        basis: { restored: planned.restored, changes: planned.changes, left: planned.left },
        act: (to, why) => to.call('POST', path, { reason: why }),
      }
    },
  }),
  holdTool('approve', 'Let held deletions happen', 'Deletes what a run held for a person.'),
  holdTool('reject', 'Keep what a run would have deleted', 'Keeps what a run held for a person.'),
]

/** Pause and resume of a sync or a connection. */
function stateTools(kind: 'sync' | 'connection'): WriteTool[] {
  const name = kind === 'sync' ? syncName : connectionName
  const look = kind === 'sync' ? syncNow : connectionNow
  const words = {
    pause: { title: `Pause a ${kind}`, description: `Starts no more work for a ${kind}; what is under way ends.` },
    resume: {
      title: `Resume a ${kind}`,
      description: `Lets work of a ${kind} go on: what gathered meanwhile is delivered.`,
    },
  }
  return (['pause', 'resume'] as const).map((action) =>
    writeTool({
      name: `${action}_${kind}`,
      ...words[action],
      fields: { name, reason: reason.optional() },
      scope: 'syncs:operate',
      // What gathered is written to targets.
      destructive: action === 'resume',
      idempotent: true,
      reachesSystems: action === 'resume',
      preview: async (hub, { name: which }) => ({
        ...(await look(hub, which)),
        would: `${action === 'pause' ? 'Pause' : 'Resume'} the ${kind} ${which}.`,
        act: (to, why) => to.call('POST', apiPath([`${kind}s`, which, action]), { reason: why }),
      }),
    }),
  )
}

type LetterWords = { title: string; description: string; why: z.ZodType<string | undefined>; reachesSystems: boolean }

/** What a filter selects. The hub itself refuses when that is not what it was any more (CSW-8007). */
function letterTool(action: 'requeue' | 'discard', { why, ...words }: LetterWords): WriteTool {
  return writeTool({
    name: `${action}_dead_letters`,
    ...words,
    fields: { ...letters, reason: why },
    scope: 'letters:operate',
    destructive: true,
    idempotent: false,
    preview: async (hub, { reason: _reason, ...filter }) => {
      const counted = answers.read(
        await hub.call('POST', apiPath(['dead-letters', 'preview']), { filter }),
        answers.counted,
      )
      const { token, ...details } = counted
      if (details.count === 0) throw new CausewayError('CSW-8008', { what: 'No open dead letter is selected.' })
      return {
        would: `${action === 'requeue' ? 'Try again' : 'Give up'} ${details.count} dead letters.`,
        details,
        act: (to, because) => to.call('POST', apiPath(['dead-letters', action]), { filter, token, reason: because }),
      }
    },
  })
}

/** The hub plans every change again before it writes, and writes nothing where one comes out differently. */
async function previewPlan(
  hub: Hub,
  { sync, records }: { sync: string; records?: string[] | undefined },
): Promise<Preview> {
  const wish = { limit: PLANNED, ...(records ? { records } : {}) }
  const planned = answers.read(await hub.call('POST', apiPath(['syncs', sync, 'plan']), wish), answers.plan)
  const changes = planned.changes.filter(({ action }) => WRITES.includes(action))
  if (changes.length === 0) throw new CausewayError('CSW-8008', { what: `The plan of ${sync} has nothing to write.` })
  return {
    would: `Write ${changes.length} changes of ${sync}.`,
    details: planned,
    act: async (to, why) => {
      const only = changes.map(({ record, part, seq, action, target, fingerprint }) => ({
        record,
        part,
        seq,
        action,
        target,
        fingerprint,
      }))
      const body = { version: planned.version, changes: only, reason: why }
      const answer = await to.call('POST', apiPath(['syncs', sync, 'apply']), body)
      const { moved } = answers.read(answer, answers.applied)
      if (moved[0])
        throw new CausewayError('CSW-8007', {
          what: `Nothing was written: ${moved.length} changes are not as they were planned (${moved[0].reason}).`,
        })
      return answer
    },
  }
}

/** What a plan writes; its other changes only say in what state they would rest. */
const WRITES = ['create', 'update', 'upsert', 'delete']

/** Decides what a run held. */
function holdTool(action: 'approve' | 'reject', title: string, description: string): WriteTool {
  return writeTool({
    name: `${action}_run`,
    title,
    description,
    fields: { id: number('Number of the run.'), reason: reason.optional() },
    scope: 'records:write',
    destructive: action === 'approve',
    idempotent: false,
    reachesSystems: action === 'approve',
    preview: async (hub, { id }) => {
      const hold = answers.read(await hub.call('GET', apiPath(['runs', id, 'hold'])), answers.hold)
      if (hold.state !== 'open') throw new CausewayError('CSW-8008', { what: `What run ${id} held is ${hold.state}.` })
      return {
        would: `${action === 'approve' ? 'Delete' : 'Keep'} ${hold.records} records that run ${id} held.`,
        details: hold,
        basis: hold,
        act: (to, why) => to.call('POST', apiPath(['runs', id, action]), { reason: why }),
      }
    },
  })
}

/** A sync as it is: another state, or another mapping, is another thing to run or resume. */
async function syncNow(hub: Hub, name: string): Promise<Pick<Preview, 'details' | 'basis'>> {
  const { sync } = answers.read(await hub.call('GET', apiPath(['syncs', name])), answers.sync)
  const { version, state, stateSince } = sync
  return { details: sync, basis: { version, state, stateSince } }
}

async function connectionNow(hub: Hub, name: string): Promise<Pick<Preview, 'details' | 'basis'>> {
  const { connection } = answers.read(await hub.call('GET', apiPath(['connections', name])), answers.connection)
  return { details: connection, basis: { state: connection.state, stateSince: connection.stateSince } }
}
