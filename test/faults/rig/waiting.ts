import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

let patience = 1

/** On a machine that is slow or busy every bar in time is longer by this factor; 1 is what the project promises. */
export function setPatience(factor: number): void {
  patience = factor
}

export const patient = (ms: number): number => ms * patience

/** Looks until something holds and gives what it saw; fails with the last thing seen. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  holds: (value: T) => boolean,
  withinMs: number,
  everyMs = 50,
): Promise<T> {
  const end = performance.now() + patient(withinMs)
  for (;;) {
    const value = await look()
    if (holds(value)) return value
    if (performance.now() > end)
      throw new Error(`${what}: not within ${patient(withinMs)} ms; last seen ${JSON.stringify(value)?.slice(0, 600)}`)
    await sleep(everyMs)
  }
}

/**
 * A port of this machine's loopback that nobody listens on now. Below those that the system gives to outgoing connections (32768 and
 * above on Linux), one of which could take it before the program that it is meant for listens.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(12_000, 32_000)
    const server = createServer()
    const isFree = await new Promise<boolean>((done) => {
      server.once('error', () => done(false))
      server.listen(port, '127.0.0.1', () => server.close(() => done(true)))
    })
    if (isFree) return port
  }
}

export { sleep }
