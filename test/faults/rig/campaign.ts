import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Random } from '../../random.ts'
import { PostgresServer } from './postgres.ts'
import { currentCommit, type Result, type ResultFile } from './results.ts'
import { Check, type Row, type Size } from './row.ts'
import { patient } from './waiting.ts'
import { type Backend, World } from './world.ts'

export type CampaignOptions = {
  seed: number
  size: Size
  jobs: number
  backends: Backend[]
  results?: ResultFile
}

type Task = { row: Row; backend: Backend }

/** Runs rows on backends, some at a time, and says what became of each. */
export class Campaign {
  readonly #options: CampaignOptions
  readonly #postgres: PostgresServer
  readonly #folder: string
  readonly #commit = currentCommit()

  private constructor(options: CampaignOptions, postgres: PostgresServer, folder: string) {
    this.#options = options
    this.#postgres = postgres
    this.#folder = folder
  }

  static async open(options: CampaignOptions): Promise<Campaign> {
    const folder = await mkdtemp(join(tmpdir(), 'causeway-faults-'))
    return new Campaign(options, await PostgresServer.start(join(folder, 'postgres')), folder)
  }

  /** Gives the exit code: 0 when everything held. */
  async run(rows: Row[]): Promise<number> {
    const { seed, jobs, size } = this.#options
    const tasks = this.#deal(rows)
    console.log(`Fault campaign: ${tasks.length} runs, seed ${seed}, ${size.short ? 'short' : 'full'}, ${this.#commit}`)
    const results: Result[] = []
    const takers = Array.from({ length: Math.min(jobs, tasks.length) }, async () => {
      for (let task = tasks.shift(); task; task = tasks.shift()) {
        const result = await this.#runOne(task)
        if (result) results.push(result)
      }
    })
    await Promise.all(takers)
    const failed = results.filter(({ passed }) => !passed)
    for (const { row, backend } of failed)
      console.log(
        `Again: npm run faults -- --rows ${row} --backend ${backend} --seed ${seed}${size.short ? ' --short' : ''}`,
      )
    console.log(`${results.length - failed.length} passed, ${failed.length} failed`)
    return failed.length ? 1 : 0
  }

  async close(): Promise<void> {
    await this.#postgres.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }

  /** Every row runs on each backend; in short form those without a part for the queue take the backends in turn. */
  #deal(rows: Row[]): Task[] {
    const { backends, results, seed, size } = this.#options
    const tasks = rows.flatMap((row, i): Task[] => {
      if (row.only) return backends.includes(row.only) ? [{ row, backend: row.only }] : []
      const on = (row.queue ?? true) || !size.short ? backends : [backends[i % backends.length]!]
      return on.map((backend) => ({ row, backend }))
    })
    return tasks.filter(
      ({ row, backend }) => !results?.has({ row: row.id, backend, seed, commit: this.#commit, short: size.short }),
    )
  }

  async #runOne({ row, backend }: Task): Promise<Result | undefined> {
    const missing = row.missing?.()
    if (missing !== undefined) {
      console.log(`-    ${row.id.padEnd(4)} ${backend.padEnd(8)} left out: ${missing}`)
      return undefined
    }
    const { seed, size } = this.#options
    const check = new Check()
    const began = performance.now()
    await this.#attempt(row, backend, check)
    const result: Result = {
      row: row.id,
      backend,
      seed,
      short: size.short,
      ...(patient(1) === 1 ? {} : { patience: patient(1) }),
      commit: this.#commit,
      at: new Date().toISOString(),
      seconds: Math.round((performance.now() - began) / 100) / 10,
      passed: check.failures.length === 0,
      failures: check.failures,
      measures: check.measures,
    }
    this.#options.results?.add(result)
    const word = result.passed ? 'ok  ' : 'FAIL'
    console.log(
      `${word} ${row.id.padEnd(4)} ${backend.padEnd(8)} ${result.seconds.toFixed(1).padStart(6)} s  ${row.title}`,
    )
    for (const failure of check.failures) console.log(`       ${failure}`)
    return result
  }

  async #attempt(row: Row, backend: Backend, check: Check): Promise<void> {
    const { seed, size } = this.#options
    // Every row has numbers of its own, so that one alone repeats what it did among others.
    const random = new Random(seed + [...`${row.id}${backend}`].reduce((sum, char) => sum * 31 + char.charCodeAt(0), 7))
    let world: World | undefined
    try {
      world = await World.open({ backend, random, postgres: this.#postgres }, row.world)
      await row.run(world, check, size)
      check.failures.push(...(await world.canaries()))
      const crashed = world.hub.crashed()
      if (crashed.length) check.failures.push(`ended by themselves: ${crashed.join(', ')}`)
    } catch (error) {
      check.failures.push(error instanceof Error ? error.message : String(error))
    } finally {
      if (check.failures.length && world && process.env.FAULTS_KEEP) await world.keep(process.env.FAULTS_KEEP)
      await world?.close()
    }
  }
}
