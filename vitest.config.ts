import { configDefaults, defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Needs a network and minutes; has a configuration of its own.
    exclude: [...configDefaults.exclude, 'test/package/**'],
    globalSetup: ['test/postgres.ts'],
    setupFiles: ['test/property-seed.ts'],
    // Most tests wait for sockets and timers: on two cores vitest would run the files one after another.
    maxWorkers: 3,
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
})
