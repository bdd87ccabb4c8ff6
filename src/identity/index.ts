export type * from './contract.ts'
export { FIELD_KINDS } from './kinds.ts'
export { loadEntities } from './load.ts'
export { entityFileSchema } from './schema.ts'
