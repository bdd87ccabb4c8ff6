export { inboxWorker } from './inbox.ts'
export { pullWorker } from './pull.ts'
export { pushWorker } from './push.ts'
export { upkeepWorker } from './upkeep.ts'
