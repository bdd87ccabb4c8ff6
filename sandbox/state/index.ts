export * from './store.ts'
export { type Row, Table } from './table.ts'
