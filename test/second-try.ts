import type { Reporter, TestCase, TestModule } from 'vitest/node'

/**
 * Names the tests that passed only at their second try, after everything else is printed: such a test is either written against
 * the clock or has met a race in what it tests, and is to be looked at although the run is green.
 */
export default class SecondTry implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const flaky = modules.flatMap((module) => [...module.children.allTests()].filter(passedLate))
    if (flaky.length === 0) return
    const lines = flaky.map((test) => `   ${test.module.relativeModuleId} > ${test.name}: ${firstError(test)}`)
    process.stdout.write(`\n Second try needed by ${flaky.length}, to be looked at:\n${lines.join('\n')}\n`)
  }
}

const passedLate = (test: TestCase): boolean => test.diagnostic()?.flaky === true

const firstError = (test: TestCase): string =>
  (test.result().errors?.[0]?.message ?? 'no message').split('\n', 1)[0]!.slice(0, 200)
