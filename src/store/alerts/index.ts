export * from './messages.ts'
export * from './snoozes.ts'
export * from './subjects.ts'
