/** A hub of its own for tests that kill it: `node ledger-process.ts FOLDER`. Prints one line of JSON when it is up. */
import { migrate, openStore } from '../../src/store/index.ts'

try {
  const store = await openStore({ folder: process.argv[2]!, durable: false })
  await migrate(store.pool)
  process.on('SIGTERM', () => store.close())
  process.on('SIGHUP', () => process.exit(3))
  process.stdout.write(`${JSON.stringify({ url: store.url })}\n`)
} catch (error) {
  process.stdout.write(`${JSON.stringify({ error })}\n`)
}
