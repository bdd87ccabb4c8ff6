/** The databases the hub speaks to; a client is loaded when a connection wants it. */
import { CausewayError } from '../../../core/index.ts'
import type { Dialect } from './dialect.ts'
import { DIALECTS } from './fields.ts'

const LOADERS: Record<(typeof DIALECTS)[number], () => Promise<Dialect>> = {
  postgres: async () => (await import('./postgres.ts')).postgres,
  mysql: async () => (await import('./mysql.ts')).mysqlDialect,
  mssql: async () => (await import('./sqlserver.ts')).sqlServer,
  oracle: async () => (await import('./oracle.ts')).oracle,
}

/** The dialect of that name. Throws CSW-2005 for one that does not exist. */
export async function dialectNamed(name: string): Promise<Dialect> {
  const load = Object.hasOwn(LOADERS, name) ? LOADERS[name as keyof typeof LOADERS] : undefined
  if (load) return load()
  throw new CausewayError('CSW-2005', { what: `"${name}" is no database; use one of ${DIALECTS.join(', ')}.` })
}
