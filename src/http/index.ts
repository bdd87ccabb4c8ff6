export { loadAdminToken, readTokenFile } from './admin-token.ts'
export type { Problem } from './problem.ts'
export { buildServer, type ServerOptions } from './server.ts'
export type * from './services.ts'
