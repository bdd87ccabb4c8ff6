import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** Every page in a browser, which has to be there: minutes, apart from the suite, where a smoke test stays. `npm run test:ui`. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, '../..'),
    include: ['test/ui/**/*.test.ts'],
    env: { CAUSEWAY_REQUIRE_BROWSER: '1' },
    globalSetup: ['test/once-per-run.ts'],
    setupFiles: ['test/close-at-end.ts'],
    maxWorkers: 2,
    retry: Number(process.env.CAUSEWAY_TEST_RETRIES ?? 1),
    reporters: ['default', './test/second-try.ts'],
    // On a machine that does other work a page takes seconds for what takes it a moment; vitest itself gives up after one.
    expect: { poll: { timeout: 30_000 } },
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
})
