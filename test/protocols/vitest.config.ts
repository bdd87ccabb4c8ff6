import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** Apart from the suite: whole hubs over simulated systems, one run for each queue. `npm run test:protocols`. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, '../..'),
    globalSetup: ['test/once-per-run.ts'],
    include: ['test/protocols/*.test.ts'],
    fileParallelism: false,
    retry: 1,
    reporters: ['default', './test/second-try.ts'],
    testTimeout: 900_000,
    hookTimeout: 120_000,
  },
})
