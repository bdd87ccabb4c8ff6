import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** Apart from the suite: a whole installation with Redis and Prometheus, and a provider from the registry. Its order is the page's. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, '../..'),
    include: ['test/zero/*.test.ts'],
    bail: 1,
    testTimeout: 60_000,
  },
})
