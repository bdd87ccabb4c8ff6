export { type Description, readDescription } from './description.ts'
export { at, type Item } from './paths.ts'
export { type Served, Simulator } from './simulator.ts'
export type { SignedEvent } from './webhooks.ts'
