import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** Apart from the suite: makes pictures instead of judging. `npm run screenshots -- FOLDER`. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, '../..'),
    globalSetup: ['test/once-per-run.ts'],
    setupFiles: ['test/close-at-end.ts'],
    include: ['test/screenshots/take.ts'],
    testTimeout: 600_000,
    hookTimeout: 900_000,
  },
})
