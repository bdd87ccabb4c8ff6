import { configDefaults, defineConfig } from 'vitest/config'

/**
 * Files that set up something of a whole process (its environment, its signals, hubs beside it) get a worker each. The others
 * share the modules their worker has loaded: loading them anew for each file took longer than all their tests.
 */
const APART = [
  'test/assemble/**/*.test.ts',
  'test/cli/**/*.test.ts',
  'test/docs/**/*.test.ts',
  'test/e2e/**/*.test.ts',
  'test/editor/**/*.test.ts',
  'test/mapping/sandbox.test.ts',
  'test/queue/**/*.test.ts',
  'test/sandbox/**/*.test.ts',
  'test/ui/**/*.test.ts',
]
/** Need a network, a browser for long, or minutes: they have configurations of their own. */
const ELSEWHERE = [
  ...configDefaults.exclude,
  'test/package/**',
  'test/chart/**',
  'test/image/**',
  'test/crash/**',
  'test/protocols/**',
  'test/zero/**',
  'test/connectors/conformance-*.test.ts',
  'test/ui/browser/**',
]

export default defineConfig({
  test: {
    globalSetup: ['test/once-per-run.ts'],
    setupFiles: ['test/property-seed.ts', 'test/close-at-end.ts'],
    // Most tests wait for sockets and timers: on two cores vitest would run the files one after another.
    maxWorkers: 3,
    // A machine that does other work as well can be ten times slower, and a test that hangs is rare.
    testTimeout: 90_000,
    // For machines that stand still for seconds; who needed it is named at the end. 0 shows every race: CAUSEWAY_TEST_RETRIES=0.
    retry: Number(process.env.CAUSEWAY_TEST_RETRIES ?? 1),
    reporters: ['default', './test/second-try.ts'],
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'together',
          isolate: false,
          include: ['test/**/*.test.ts'],
          exclude: [...ELSEWHERE, ...APART],
        },
      },
      { extends: true, test: { name: 'apart', include: APART, exclude: ELSEWHERE } },
    ],
  },
})
