/** Learning the outcomes of writes that were handed over to a job by an earlier call, of this process or another. */
import { CausewayError } from '../../core/index.ts'
import type { FinishRequest, WriteOutcome } from '../contract.ts'
import { batchOutcomes } from './batch-outcomes.ts'
import { finishWriteJob } from './job-write.ts'
import { failedOutcome } from './outcome.ts'
import type { WriteOperationSpec } from './write-fields.ts'
import type { Prepared, WriterContext } from './writer.ts'

/**
 * Outcomes of the items whose job can tell. What a finished job does not mention it will not mention later either, and what has to
 * be linked still is not done: both are left to be looked for. Throws what keeps a job from being asked.
 */
export async function finishJobs<R>(
  context: WriterContext<R>,
  operation: WriteOperationSpec<R>,
  request: FinishRequest,
): Promise<WriteOutcome[]> {
  const outcomes: WriteOutcome[] = []
  for (const items of Map.groupBy(request.items, ({ job }) => JSON.stringify([job.by, job.id])).values())
    outcomes.push(...(await finishJob(context, operation, { ...request, items })))
  return outcomes
}

async function finishJob<R>(
  context: WriterContext<R>,
  operation: WriteOperationSpec<R>,
  { items, signal, maySend, onExchange }: FinishRequest,
): Promise<WriteOutcome[]> {
  const { caller, settings } = context
  const { job: note } = items[0]!
  const batch = operation[note.by]
  // The manifest has another way by now.
  if (!batch?.job) return []
  const options = {
    signal,
    purpose: 'write' as const,
    idempotent: true,
    ...(maySend ? { maySend } : {}),
    ...(onExchange ? { onExchange } : {}),
  }
  const answer = await finishWriteJob({ caller, settings, job: batch.job }, note, options).catch(inDoubt)
  if (!answer) return []
  // Other jobs are asked all the same.
  if (answer instanceof CausewayError) return items.map(({ ref }) => failedOutcome(ref, answer))
  const prepared = items.map(({ ref, id, job }, index): Prepared => {
    const item = { ref, values: {}, idempotencyKey: '', ...(id === undefined ? {} : { id }) }
    return { item, scope: { settings }, index, job }
  })
  const links = new Set(items.flatMap(({ ref, job }) => (job.links ? [ref] : [])))
  return (batchOutcomes(batch, prepared, answer, context) ?? []).filter(
    ({ ref, status }) => status !== 'unknown' && !(status === 'written' && links.has(ref)),
  )
}

/** That the outcome of a job cannot be learned is what there is to say of its records. */
function inDoubt(error: unknown): CausewayError {
  if (error instanceof CausewayError && error.code === 'CSW-3012') return error
  throw error
}
