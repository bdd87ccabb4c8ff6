export * from './login-failures.ts'
export * from './sessions.ts'
export * from './tokens.ts'
export * from './users.ts'
