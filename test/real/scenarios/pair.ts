import type { HubProcess } from '../hub-process.ts'
import type { Report } from '../report.ts'
import { madeOrDeleted, runAll } from '../writes.ts'

export type Env = Record<string, string>

/** One system as the source of another, and what each of them itself says it holds. */
export type Pair = {
  title: string
  sync: string
  /** How many records the source holds at first. */
  count: number
  source(env: Env): Promise<unknown>
  target(env: Env): Promise<unknown>
  change(env: Env): Promise<void>
  /** Records that `change` gives another value, or adds; three when left out. */
  changed?: number
  /** Removes three. */
  remove(env: Env): Promise<void>
  /** Moves records to other ids, where the source has that: so many, none deleted and none made. */
  move?(env: Env): Promise<void>
  moved?: number
}

/** In full, unchanged both ways, after changes, after deletions that only a complete scan can prove, and unchanged again. */
export async function runPair(pair: Pair, hub: HubProcess, env: Env, report: Report): Promise<void> {
  const step = async (title: string, expected: number, options: { full?: boolean } = {}) =>
    report.part(`${pair.title}: ${title}`, async () => {
      const writes = await runAll(hub, [pair.sync], report, options)
      report.equal('records written', writes[pair.sync], expected)
      report.equal('both sides hold the same', await pair.target(env), await pair.source(env))
    })
  await step('full', pair.count, { full: true })
  await step('nothing changed', 0)
  await step('nothing changed, in full', 0, { full: true })
  await pair.change(env)
  await step('changes', pair.changed ?? 3)
  await pair.remove(env)
  await step('deletions', 3, { full: true })
  if (pair.move) {
    await pair.move(env)
    const since = new Date().toISOString()
    await step('moved', pair.moved!, { full: true })
    report.equal('made or deleted meanwhile', await madeOrDeleted(hub, pair.sync, since), 0)
  }
  await step('nothing changed after that', 0)
}
