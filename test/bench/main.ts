/**
 * Records per second of a full sync for three contenders in one run, so that ratios hold on whatever machine this is. Each is a
 * process of its own; the target's count and checksum must be equal, or the figure is void.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Usage, usageOf } from './process-tree.ts'

type Figure = { name: string; perSecond: number; cpu: Usage['cpuSeconds']; largestMB: number; allMB: number }
type Result = { written: number; checksum: number; calls: number }

const CONTENDERS = ['hand-written', 'axios-jsonata', 'causeway'] as const

const { values: options } = parseArgs({
  options: {
    /** Contenders to run, by comma. */
    only: { type: 'string', default: CONTENDERS.join(',') },
    records: { type: 'string' },
    /** Added to every answer; without it both rounds are run. */
    latency: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    /** Folder for a CPU profile of the contender. */
    profile: { type: 'string' },
  },
})
const ROUNDS = Number(options.rounds)
const chosen = CONTENDERS.filter((name) => options.only.split(',').includes(name))

async function measure(name: string, url: string, count: number): Promise<{ figure: Figure; result: Result }> {
  const child = fork(join(import.meta.dirname, `${name}.ts`), [url], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // As the command line does, so that no contender carries the compiler of types along.
    env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), `causeway-bench-${process.getuid?.() ?? 0}`) },
    execArgv: options.profile ? ['--cpu-prof', `--cpu-prof-dir=${options.profile}`] : [],
  })
  await message(child, name)
  const before = usageOf(child.pid!)
  const peak: Usage = { ...before }
  const sampler = setInterval(() => {
    const now = usageOf(child.pid!)
    peak.largestBytes = Math.max(peak.largestBytes, now.largestBytes)
    peak.allBytes = Math.max(peak.allBytes, now.allBytes)
  }, 200)
  child.send('go')
  const { ms } = await message<{ ms: number }>(child, name)
  const after = usageOf(child.pid!)
  clearInterval(sampler)
  if (child.exitCode === null) await once(child, 'exit')
  const result = (await (await fetch(`${url}/result`)).json()) as Result
  if (result.written !== count) throw new Error(`${name} wrote ${result.written} of ${count} records`)
  const figure = {
    name,
    perSecond: Math.round(count / (ms / 1_000)),
    cpu: {
      main: after.cpuSeconds.main - before.cpuSeconds.main,
      postgres: after.cpuSeconds.postgres - before.cpuSeconds.postgres,
      children: after.cpuSeconds.children - before.cpuSeconds.children,
    },
    largestMB: megabytes(peak.largestBytes),
    allMB: megabytes(peak.allBytes),
  }
  return { figure, result }
}

/** The next message of a contender; fails when it ends without one. */
function message<T>(child: ChildProcess, name: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => reject(new Error(`${name} ended with code ${code}`))
    child.once('exit', ended)
    child.once('message', (content) => {
      child.off('exit', ended)
      resolve(content as T)
    })
  })
}

const megabytes = (bytes: number): number => Math.round(bytes / 1e6)

async function round(count: number, latencyMs: number, baseline: string): Promise<void> {
  const systems = fork(join(import.meta.dirname, 'systems.ts'), [String(count), String(latencyMs)])
  const [{ port }] = (await once(systems, 'message')) as [{ port: number }]
  const url = `http://127.0.0.1:${port}`
  const figures: Figure[] = []
  let checksum: number | undefined
  try {
    for (const name of chosen) {
      const runs: Figure[] = []
      for (let i = 0; i < ROUNDS; i++) {
        const { figure, result } = await measure(name, url, count)
        checksum ??= result.checksum
        if (result.checksum !== checksum) throw new Error(`${name} wrote other values than the hand-written loop`)
        runs.push(figure)
      }
      runs.sort((a, b) => a.perSecond - b.perSecond)
      figures.push(runs[Math.floor(runs.length / 2)]!)
    }
  } finally {
    systems.kill()
  }
  print(figures, count, latencyMs, baseline)
}

function print(figures: Figure[], count: number, latencyMs: number, baseline: string): void {
  const base = figures.find(({ name }) => name === baseline)
  const each = (seconds: number): number => Math.round((seconds * 1e6) / count)
  console.log(
    `\nFull sync, ${latencyMs} ms in every answer: ${count} records, median of ${ROUNDS}, ${cpus().length} cores, Node ${process.versions.node}`,
  )
  console.table(
    figures.map((figure) => ({
      contender: figure.name,
      'records/s': figure.perSecond,
      ...(base ? { [`ratio to ${baseline}`]: Number((figure.perSecond / base.perSecond).toFixed(3)) } : {}),
      'CPU µs/record': each(figure.cpu.main),
      'its children': each(figure.cpu.children),
      'its Postgres': each(figure.cpu.postgres),
      'largest process MB': figure.largestMB,
      'all processes MB': figure.allMB,
    })),
  )
}

const rounds = options.latency === undefined ? [0, 50] : [Number(options.latency)]
for (const latency of rounds)
  await round(
    Number(options.records ?? (latency ? 10_000 : 50_000)),
    latency,
    latency ? 'hand-written' : 'axios-jsonata',
  )

if (chosen.length === CONTENDERS.length)
  for (const more of ['mapping-cost.ts', 'isolation-cost.ts', 'intake.ts'])
    await once(fork(join(import.meta.dirname, more)), 'exit')
