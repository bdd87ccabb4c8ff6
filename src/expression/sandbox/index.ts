export type { SandboxItem } from './frames.ts'
export { Sandbox } from './pool.ts'
export { serveSandbox } from './serve.ts'
export type { SandboxProgram } from './worker.ts'
