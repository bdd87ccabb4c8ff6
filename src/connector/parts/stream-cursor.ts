/** What is stored between pulls of a stream that is paged here: how far it is read, and the pass that is under way. */
import { isObject, type JsonObject } from '../../core/index.ts'
import { parseJob, type StartedJob } from './job-read.ts'
import type { Position } from './paging.ts'

type Phase = 'records' | 'deletions'
/** How a pass reads a stream that has both. */
export type Way = 'job' | 'pages' | 'list' | 'log'
const WAYS: ReadonlySet<unknown> = new Set<Way>(['job', 'pages', 'list', 'log'])
export type Pass = {
  mode: 'full' | 'incremental'
  phase: Phase
  /** Watermark the pass began with; null = from the beginning. */
  since: string | null
  /** Where a capped question was asked anew; null before. */
  anchor?: string | null
  /** Records read since then. */
  count?: number
  /** When its first page was asked for, as a sortable timestamp; null before. */
  began?: string | null
  /** Chosen when it began, where the stream has two ways. */
  way?: Way
  /** A job of the system that prepares the result; null before it is started. */
  job?: StartedJob | null
  /** Newest value seen in this pass. */
  newest: string | null
  /** Where its next page is. */
  position: Position
}
export type StreamCursor = {
  /** Everything up to here has been read. */
  watermark: string | null
  pass: Pass | null
}

export const storedCursor = ({ watermark, pass }: StreamCursor): JsonObject => ({
  watermark,
  ...(pass ? { pass } : {}),
})

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null)

/** Reads a stored cursor; what is not there, or was edited into something else, counts as "not yet". */
export function parseCursor(stored: JsonObject | null): StreamCursor {
  const pass: unknown = stored?.pass
  return {
    watermark: textOrNull(stored?.watermark),
    pass: isObject(pass)
      ? {
          mode: pass.mode === 'incremental' ? 'incremental' : 'full',
          phase: pass.phase === 'deletions' ? 'deletions' : 'records',
          since: textOrNull(pass.since),
          anchor: textOrNull(pass.anchor),
          began: textOrNull(pass.began),
          count: Number(pass.count ?? 0) || 0,
          ...(parseJob(pass.job) ? { job: parseJob(pass.job) } : {}),
          ...(WAYS.has(pass.way) ? { way: pass.way as Way } : {}),
          newest: textOrNull(pass.newest),
          position: isObject(pass.position) ? pass.position : {},
        }
      : null,
  }
}

/**
 * The pass to go on with. A broken incremental pass is no use to a full read; a broken full read is finished first, because
 * until then nobody knows how far the stream is read.
 */
export function passFor(
  mode: Pass['mode'],
  cursor: StreamCursor,
  initial: string | null,
): { pass: Pass; resumed: boolean } {
  if (cursor.pass && (mode === 'incremental' || cursor.pass.mode === 'full'))
    return { pass: cursor.pass, resumed: true }
  const since = mode === 'incremental' ? (cursor.watermark ?? initial) : initial
  return { pass: { mode, phase: 'records', since, newest: null, position: {} }, resumed: false }
}
