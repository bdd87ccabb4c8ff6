export type { FaultSpec, RequestEntry } from './http/index.ts'
export { SideDoor } from './side-door.ts'
export { type Sandbox, type SandboxOptions, SYSTEMS, type SystemName, startSandbox } from './start.ts'
export type { JournalEntry, Row } from './state/index.ts'
