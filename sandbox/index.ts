export type { FaultSpec, RequestEntry } from './http/index.ts'
export { SideDoor } from './side-door.ts'
export {
  type Sandbox,
  type SandboxOptions,
  SYSTEMS,
  type SystemName,
  sampleEnvironment,
  startSandbox,
} from './start.ts'
export type { JournalEntry, Row } from './state/index.ts'
