export { createIdentityBook, type IdentityBook } from './book.ts'
export type * from './types.ts'
