import type { Hub } from './assembly.ts'
import { EXIT } from './exit-codes.ts'

/**
 * Gives work under way `shutdown_seconds` from now to finish and to sign off; then the process ends with what it has. That is no worse
 * than a kill, which the ledger stands: another process goes on with it, and creates whose answer is missing are looked up first.
 * Gives what calls the limit off.
 */
export function endInTime({ settings, logger }: Pick<Hub, 'settings' | 'logger'>): () => void {
  const timer = setTimeout(() => {
    logger.warn({ seconds: settings.shutdown_seconds }, 'work under way did not finish in time and is left to others')
    process.exit(EXIT.ok)
  }, settings.shutdown_seconds * 1_000)
  timer.unref()
  return () => clearTimeout(timer)
}
