export { type ChannelParts, openChannel } from './channel.ts'
export { noteObserved } from './observe.ts'
export { sendDue } from './send.ts'
export type { Observed } from './turns.ts'
