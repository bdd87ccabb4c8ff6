/** Jobs that write: filled and started by requests of their own, or both at once; their outcomes are read afterwards. */
import type { Behaviour } from './description.ts'
import type { Names } from './expressions.ts'
import type { Job, JobOutcome, Jobs } from './jobs.ts'
import { isItem } from './paths.ts'
import { Refusal } from './problem.ts'

type Ran = { status: number; names: Names }
type Run = (behaviour: Behaviour, names: Names) => Promise<Ran>
/** One request about a job; where it `fails`, the job comes to nothing. */
type Asked = { jobs: Jobs; behaviour: Behaviour; names: Names; fails: boolean; run: Run }

const idOf = (names: Names): unknown => (names.path as Names | undefined)?.id

/** Takes what the job is to work on; once only. */
export function fillJob(jobs: Jobs, kind: string, names: Names): Ran {
  const job = jobs.find(idOf(names), kind)
  if (job.data !== undefined || ended(job))
    throw new Refusal('invalid', { reason: 'job', message: 'The job has its data already' }, true)
  job.data = names.body
  return { status: 201, names: { job } }
}

/** Does the work, by the kind of operation that the job was made for, and keeps what became of each item. */
export async function runJob({ jobs, behaviour: { run_job: kind, runs }, names, fails, run }: Asked): Promise<Ran> {
  const job = jobs.find(idOf(names), kind!)
  if (ended(job)) throw new Refusal('invalid', { reason: 'job', message: 'The job is closed already' })
  const operation = isItem(job.given) ? String(job.given.operation) : ''
  const behaviour = runs?.[operation]
  if (!behaviour) throw new Refusal('invalid', { reason: 'job', message: `${operation} is no operation of jobs` }, true)
  await work(job, behaviour, names, fails, run)
  return { status: 200, names: { job } }
}

/** One request that carries the items and starts the work. */
export async function startJob({ jobs, behaviour, names, fails, run }: Asked): Promise<Ran> {
  const { job: kind, ...batch } = behaviour
  const job = jobs.start(kind!, names.body)
  await work(job, batch, names, fails, run)
  return { status: 200, names: { job } }
}

/** Requests in the body of one, done in the vendor's own time; their answers are what became of the job. */
export async function startCalls(
  jobs: Jobs,
  kind: string,
  given: unknown,
  fails: boolean,
  answers: () => Promise<unknown[]>,
): Promise<Job> {
  const job = jobs.start(kind, given)
  if (fails) job.failed = true
  else job.outcome = { results: [], errors: [], outcomes: await answers() }
  return job
}

async function work(job: Job, behaviour: Behaviour, names: Names, fails: boolean, run: Run): Promise<void> {
  if (fails) job.failed = true
  else job.outcome = (await run(behaviour, { ...names, job })).names as JobOutcome
}

const ended = (job: Job): boolean => job.outcome !== undefined || job.failed === true
