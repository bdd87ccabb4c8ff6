/** A hub in a process of its own that has a request in hand for ever, so that a test can kill it there. Its argument is the ledger's address. */

import { createPool } from '../../src/store/index.ts'
import { RequestKeyBook } from '../../src/store/request-keys.ts'
import { startHub } from './hub.ts'
import { HELD_MS, secretsOf } from './secret-store.ts'

const pool = createPool(process.argv[2]!)
const hub = await startHub({
  pool,
  services: {
    requestKeys: new RequestKeyBook(pool, secretsOf(pool), HELD_MS),
    runSync: () => new Promise(() => undefined),
  },
})
const { bulk } = hub.services
const begin = bulk.begin.bind(bulk)
bulk.begin = async (...asked) => {
  await begin(...asked)
  return new Promise(() => undefined)
}
process.stdout.write(`${hub.url}\n`)
