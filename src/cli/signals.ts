import { EXIT } from './exit-codes.ts'

/**
 * One ctrl-c may arrive several times: the terminal signals every process of the group, and npm and `timeout` pass on what
 * they got. What comes this soon after the first is no second wish.
 */
const SAME_WISH_MS = 500

/**
 * Resolves at the first SIGINT or SIGTERM, which starts an orderly stop. A second one ends the process at once: the ledger
 * stands a kill, and whoever presses ctrl-c twice wants to be gone.
 */
export function untilStopped(): { signal: Promise<NodeJS.Signals>; release(): void } {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>()
  let first: number | undefined
  const onSignal = (name: NodeJS.Signals): void => {
    if (first !== undefined && performance.now() - first > SAME_WISH_MS) process.exit(EXIT.interrupted)
    first ??= performance.now()
    resolve(name)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return {
    signal: promise,
    release: () => {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    },
  }
}
