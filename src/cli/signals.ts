import { EXIT } from './exit-codes.ts'

/**
 * Resolves at the first SIGINT or SIGTERM, which starts an orderly stop. A second one ends the process at once: the ledger
 * stands a kill, and whoever presses ctrl-c twice wants to be gone.
 */
export function untilStopped(): { signal: Promise<NodeJS.Signals>; release(): void } {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>()
  let seen = false
  const onSignal = (name: NodeJS.Signals): void => {
    if (seen) process.exit(EXIT.interrupted)
    seen = true
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
