import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** Apart from the suite: several whole hubs, one after the other, which takes a minute. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, '../..'),
    include: ['test/crash/*.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 60_000,
  },
})
