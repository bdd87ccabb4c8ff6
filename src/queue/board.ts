import { createBullBoard } from '@bull-board/api'
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'
import type { BoardAnswer } from './contract.ts'
import { isJobData } from './job.ts'

type Adapted = ConstructorParameters<typeof BullMQAdapter>[0]
type Server = Parameters<typeof createBullBoard>[0]['serverAdapter']

type Handler = (request: object) => Promise<{ status?: number; body: unknown }> | { status?: number; body: unknown }
type Route = { path: RegExp; parameters: number; answer: Handler }

/**
 * What bull-board asks of its server: to read, and nothing else. Routes that change something are dropped here, so they do not exist;
 * that its queues are read-only as well would stop them a second time.
 */
export class Board {
  readonly #queues = new Map<string, BullMQAdapter>()
  #routes: Route[] = []

  constructor(queues: Iterable<unknown>) {
    const adapters = [...queues].map((queue) => new DiscreetQueue(queue as Adapted, { readOnlyMode: true }))
    for (const adapter of adapters) this.#queues.set(adapter.getName(), adapter)
    // Its files are part of the page, and where the package lies is nothing to ask in production.
    createBullBoard({ queues: adapters, serverAdapter: this.#server(), options: { uiBasePath: '/' } })
  }

  /** Undefined where there is nothing to read under this path (`/queues`, `/queues/push/7`). */
  async answer(path: string, query: object): Promise<BoardAnswer | undefined> {
    for (const route of this.#routes) {
      const found = route.path.exec(path)
      if (!found) continue
      const { status = 200, body } = await route.answer({
        queues: this.#queues,
        uiConfig: {},
        params: { ...found.groups },
        query,
        body: undefined,
        headers: {},
      })
      return { status, body }
    }
    return undefined
  }

  #server(): Server {
    const server = {
      setQueues: () => server,
      setViewsPath: () => server,
      setStaticPath: () => server,
      setUIConfig: () => server,
      setEntryRoute: () => server,
      setErrorHandler: () => server,
      setApiRoutes: (routes: { method: string | string[]; route: string | string[]; handler: Handler }[]) => {
        const read = routes.filter(({ method }) => [method].flat().every((one) => one.toLowerCase() === 'get'))
        this.#routes = read.flatMap(({ route, handler }) => [route].flat().map((one) => routeOf(one, handler)))
        // `/queues/push/metrics` before `/queues/push/:jobId`.
        this.#routes.sort((a, b) => a.parameters - b.parameters)
        return server
      },
    }
    return server as unknown as Server
  }
}

function routeOf(pattern: string, answer: Handler): Route {
  const names = pattern.match(/:\w+/g) ?? []
  const path = new RegExp(`^${pattern.replace(/^\/api/, '').replaceAll(/:(\w+)/g, '(?<$1>[^/]+)')}$`)
  return { path, parameters: names.length, answer }
}

/** Jobs are shown as far as they are what we put there: who may write to Redis may put anything into a job. */
class DiscreetQueue extends BullMQAdapter {
  override async getJob(id: string) {
    const job = await super.getJob(id)
    return job && discreet(job)
  }

  override async getJobs(...which: Parameters<BullMQAdapter['getJobs']>) {
    return (await super.getJobs(...which)).map(discreet)
  }

  override async getJobLogs(): Promise<string[]> {
    return []
  }
}

type Job = Awaited<ReturnType<BullMQAdapter['getJobs']>>[number]

function discreet(job: Job): Job {
  const whole = job.toJSON.bind(job)
  job.toJSON = () => {
    const { data, failedReason, ...rest } = whole()
    return {
      ...rest,
      data: isJobData(data) ? { id: data.id } : WITHHELD,
      failedReason: failedReason && (OWN_REASON.test(failedReason) ? failedReason : WITHHELD),
      deferredFailure: '',
      stacktrace: [],
      returnvalue: null,
      progress: 0,
    }
  }
  return job
}

const WITHHELD = '(not shown)'
/** The code that our worker leaves of a failure, and what BullMQ says itself of a job whose worker died. */
const OWN_REASON = /^(CSW-\d{4}|job (stalled|started) more than allowable limit)$/
