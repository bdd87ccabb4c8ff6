export type { SandboxItem } from './frames.ts'
export { Sandbox, type SandboxOptions, type SandboxResult } from './pool.ts'
export { type SandboxService, serveSandbox } from './serve.ts'
export type { SandboxProgram } from './worker.ts'
