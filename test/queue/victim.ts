import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { afterAll, expect } from 'vitest'
import type { QueueTarget, QueueTuning } from '../../src/queue/index.ts'
import { soon, TUNING } from './bench.ts'

export type Victim = { says(line: string): Promise<void>; kill(): void }

const victims: ChildProcess[] = []
afterAll(() => {
  for (const victim of victims) victim.kill('SIGKILL')
})

/** Starts a worker process that will be killed; resolves when it works. */
export async function startVictim(target: QueueTarget, tuning: Partial<QueueTuning> = TUNING): Promise<Victim> {
  const script = new URL('./worker-process.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [script, JSON.stringify({ target, tuning })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  victims.push(child)
  const lines: string[] = []
  createInterface({ input: child.stdout! }).on('line', (line) => lines.push(line))
  const says = (line: string) => soon(() => expect(lines).toContain(line), 90_000)
  await says('working')
  return { says, kill: () => void child.kill('SIGKILL') }
}
