/** A worker that only sends alerts, for tests that kill it: `node sender.ts DATABASE_URL HUB_FOLDER`. */
import { openChannel, sendDue } from '../../src/alerts/index.ts'
import { loadHub } from '../../src/config/index.ts'
import { createLogger } from '../../src/core/index.ts'
import { createPool } from '../../src/store/index.ts'

const [url, folder] = process.argv.slice(2) as [string, string]
const { alerts } = await loadHub({ folder })
const channel = { sources: { env: process.env, folder }, publicUrl: null, addSecrets: () => undefined }
await sendDue(
  {
    pool: createPool(url),
    log: createLogger({ level: 'silent' }),
    open: (route) => openChannel(route, channel),
    maySend: () => true,
  },
  alerts,
)
