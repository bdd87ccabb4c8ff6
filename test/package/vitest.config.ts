import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** Apart from the suite: packs and installs from the registry, which takes minutes and a network. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, '../..'),
    include: ['test/package/*.test.ts'],
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
})
