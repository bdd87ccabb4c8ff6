export { columnsOf, plainName } from './columns.ts'
export {
  claimFiles,
  makeFilesDue,
  noteFiles,
  noteTableError,
  type Readable,
  readablesOf,
  readPages,
  whileWriting,
} from './files.ts'
export { followStream } from './follow.ts'
export { dropUnkept, ensureLinks, ensureTable, type TableSpec } from './tables.ts'
