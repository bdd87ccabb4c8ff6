import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** Apart from the suite: several whole processes, killed one after the other, which takes a minute and wants the machine. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, '../..'),
    include: ['test/crash/*.test.ts'],
    globalSetup: ['test/once-per-run.ts'],
    setupFiles: ['test/close-at-end.ts'],
    fileParallelism: false,
    retry: 1,
    reporters: ['default', './test/second-try.ts'],
    testTimeout: 300_000,
    hookTimeout: 60_000,
  },
})
