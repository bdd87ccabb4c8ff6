export type { CheckResult } from './check.ts'
export { CHECK_NAMES, descriptionOf, type Report, testConnector } from './suite.ts'
export { readWaivers } from './waivers.ts'
