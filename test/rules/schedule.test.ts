/** What runs by night and by week: the commands are there, and take what they are given. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CronExpressionParser } from 'cron-parser'
import { expect, test } from 'vitest'
import { parse } from 'yaml'

const ROOT = join(import.meta.dirname, '../..')
const text = readFileSync(join(ROOT, '.github/workflows/nightly.yml'), 'utf8')
const scripts = (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> })
  .scripts

type Step = { uses?: string; run?: string; with?: Record<string, unknown> }
type Job = { if: string; steps: Step[]; 'runs-on': string; 'timeout-minutes': number }
type Workflow = {
  on: { schedule: { cron: string }[] }
  permissions: Record<string, string>
  jobs: Record<string, Job>
}
const workflow = parse(text) as Workflow
const steps = Object.values(workflow.jobs).flatMap((job) => job.steps)
const commands = steps.flatMap(({ run }) => run ?? [])

/** Days between two runs of a schedule. */
function daysBetween(cron: string): number {
  const next = CronExpressionParser.parse(cron, { currentDate: '2026-01-01T00:00:00Z', tz: 'UTC' })
  const [first, second] = [next.next().getTime(), next.next().getTime()]
  return (second - first) / 86_400_000
}

test('one schedule is nightly, one weekly, and each job belongs to one of them', () => {
  const crons = workflow.on.schedule.map(({ cron }) => cron)
  expect(crons.map(daysBetween)).toEqual([1, 7])
  const [nightly, weekly] = crons as [string, string]
  const excluded = Object.entries(workflow.jobs).map(([name, job]) => [
    name,
    /^github\.event\.schedule != '(.+)'$/.exec(job.if)?.[1],
  ])
  expect(Object.fromEntries(excluded)).toEqual({
    properties: weekly,
    faults: weekly,
    fuzzing: nightly,
    campaign: nightly,
    scale: nightly,
  })
})

test('every command is a script of this project, or prepares the machine', () => {
  const named = commands.flatMap((run) => /^npm run (\S+)/.exec(run)?.[1] ?? [])
  expect(named.filter((name) => !(name in scripts))).toEqual([])
  expect(new Set(named)).toEqual(new Set(['check:advisories', 'check:scale', 'fuzz:night', 'faults', 'fuzz']))
  const others = commands.filter((run) => !run.startsWith('npm run '))
  expect(others.filter((run) => !/^(npm ci|sudo apt-get update && sudo apt-get install [\w -]+)$/.test(run))).toEqual(
    [],
  )
})

test('the night is 10,000 cases with a seed that nobody chose, in folders that are there', () => {
  const night = scripts['fuzz:night']!
  expect(night).toContain('CAUSEWAY_PROPERTY_RUNS=10000 ')
  expect(night).toContain('CAUSEWAY_PROPERTY_SEED=random ')
  const folders = night.match(/test\/\S+/g) ?? []
  expect(folders.length).toBeGreaterThan(3)
  expect(folders.filter((folder) => !existsSync(join(ROOT, folder)))).toEqual([])
  const fuzzing = readFileSync(join(ROOT, 'docs/fuzzing.md'), 'utf8')
  for (const command of ['npm run fuzz:night', 'npm run fuzz -- --minutes 60']) expect(fuzzing).toContain(command)
})

test('actions are pinned, nothing is secret, and nothing may be written', () => {
  const used = steps.flatMap(({ uses }) => uses ?? [])
  expect(used.length).toBeGreaterThan(0)
  expect(used.filter((one) => !/^actions\/[\w-]+@v\d+\.\d+\.\d+$/.test(one))).toEqual([])
  expect(text).not.toMatch(/secrets\b.*\}\}|GITHUB_TOKEN/)
  expect(workflow.permissions).toEqual({ contents: 'read' })
  for (const job of Object.values(workflow.jobs)) {
    expect(job['runs-on']).toMatch(/^ubuntu-\d+\.\d+$/)
    // What a runner of a forge gives at most is six hours.
    expect(job['timeout-minutes']).toBeLessThan(360)
  }
})
