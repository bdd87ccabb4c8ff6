/** Work the vendor does on its own time: started, asked after, its result read. */
import { randomBytes } from 'node:crypto'
import { Refusal } from './problem.ts'

export type Job = {
  id: string
  kind: string
  given: unknown
  asked: number
  ready: boolean
  /** What a job that writes was filled with, and what became of it once it ran. */
  data?: unknown
  outcome?: JobOutcome
  /** It came to nothing. */
  failed?: boolean
}
/** What became of the items of a job that writes; `outcomes` are both lists in the order of the items. */
export type JobOutcome = { results: unknown[]; errors: unknown[]; outcomes: unknown[] }

export class Jobs {
  private readonly started = new Map<string, Job>()

  start(kind: string, given: unknown): Job {
    const job: Job = { id: randomBytes(6).toString('hex'), kind, given, asked: 0, ready: false }
    this.started.set(job.id, job)
    return job
  }

  /** How many were started so far. */
  get count(): number {
    return this.started.size
  }

  find(id: unknown, kind: string): Job {
    const job = this.started.get(String(id))
    if (!job || job.kind !== kind) throw new Refusal('not_found', { reason: 'job', id })
    return job
  }

  /** Asked once more; ready after `polls` questions. */
  poll(id: unknown, kind: string, polls: number): Job {
    const job = this.find(id, kind)
    job.asked++
    job.ready = job.asked >= polls
    return job
  }
}
