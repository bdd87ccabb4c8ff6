export { abortBulkAction, beginBulkAction } from './begin.ts'
export { findRunningBulkActions, workBulkPart } from './work.ts'
