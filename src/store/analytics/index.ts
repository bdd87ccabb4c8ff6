export { columnsOf, plainName } from './columns.ts'
export { claimFiles, makeFilesDue, noteFiles, noteTableError, type Readable, readablesOf, readPages } from './files.ts'
export { followStream } from './follow.ts'
export { ensureLinks, ensureTable, type TableSpec } from './tables.ts'
