import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** Apart from the suite: needs Go with sprig (Debian) and the packages of this folder's package.json. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, '../..'),
    include: ['test/chart/*.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
})
