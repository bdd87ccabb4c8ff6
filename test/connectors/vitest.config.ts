import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** Apart from the suite: the contracts of all connectors take minutes. `npm run test:connectors`. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, '../..'),
    globalSetup: ['test/once-per-run.ts'],
    include: ['test/connectors/conformance-*.test.ts'],
    testTimeout: 600_000,
    maxWorkers: 2,
  },
})
