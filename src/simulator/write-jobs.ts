/** Jobs that write: filled by one request, started by another, their outcomes read afterwards. */
import type { Behaviour } from './description.ts'
import type { Names } from './expressions.ts'
import type { Jobs } from './jobs.ts'
import { isItem } from './paths.ts'
import { Refusal } from './problem.ts'

type Ran = { status: number; names: Names }

const idOf = (names: Names): unknown => (names.path as Names | undefined)?.id

/** Takes what the job is to work on; once only. */
export function fillJob(jobs: Jobs, kind: string, names: Names): Ran {
  const job = jobs.find(idOf(names), kind)
  if (job.data !== undefined || job.outcome)
    throw new Refusal('invalid', { reason: 'job', message: 'The job has its data already' }, true)
  job.data = names.body
  return { status: 201, names: { job } }
}

/** Does the work, by the kind of operation that the job was made for, and keeps what became of each item. */
export async function runJob(
  jobs: Jobs,
  { run_job: kind, runs }: Behaviour,
  names: Names,
  run: (behaviour: Behaviour, names: Names) => Promise<Ran>,
): Promise<Ran> {
  const job = jobs.find(idOf(names), kind!)
  if (job.outcome) throw new Refusal('invalid', { reason: 'job', message: 'The job is closed already' })
  const operation = isItem(job.given) ? String(job.given.operation) : ''
  const behaviour = runs?.[operation]
  if (!behaviour) throw new Refusal('invalid', { reason: 'job', message: `${operation} is no operation of jobs` }, true)
  const { names: done } = await run(behaviour, { ...names, job })
  job.outcome = { results: done.results as unknown[], errors: done.errors as unknown[] }
  return { status: 200, names: { job } }
}
