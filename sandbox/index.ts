export { type Sandbox, SYSTEMS, type SystemName, sampleEnvironment, startSandbox } from './start.ts'
