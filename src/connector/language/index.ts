export * from './computed.ts'
export * from './expression.ts'
export * from './fields.ts'
export { asText } from './template.ts'
