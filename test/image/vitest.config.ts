import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** Apart from the suite: `npm run test:image`, which makes the images first. One engine, so one file after the other. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, '../..'),
    include: ['test/image/*.test.ts'],
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
})
