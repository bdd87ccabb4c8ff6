import { withQuery } from '../api/request.ts'

/** Addresses of the page. Names and ids go into the query: dots and slashes would not survive in a path. */
export const to = {
  home: '/',
  syncs: '/syncs',
  sync: (name: string, request?: string): string => withQuery('/sync', { name, request }),
  runs: (filter: Record<string, string | null | undefined> = {}): string => withQuery('/runs', filter),
  run: (id: number): string => withQuery('/run', { id }),
  queues: (connection?: string | null): string => withQuery('/queues', { connection }),
  deadLetters: (filter: Record<string, string | null | undefined> = {}): string => withQuery('/dead-letters', filter),
  deadLetter: (id: number): string => withQuery('/dead-letter', { id }),
  records: (key?: string): string => withQuery('/records', { key }),
  record: (stream: string, id: string): string => withQuery('/record', { stream, id }),
  entities: (filter: Record<string, string | null | undefined> = {}): string => withQuery('/entities', filter),
  entity: (type: string, id: number): string => withQuery('/entity', { type, id }),
  reviews: (entity?: string | null): string => withQuery('/reviews', { entity }),
  conflicts: (filter: Record<string, string | null | undefined> = {}): string => withQuery('/conflicts', filter),
  webhooks: (filter: Record<string, string | null | undefined> = {}): string => withQuery('/webhooks', filter),
  connectors: '/connectors',
  connector: (name: string): string => withQuery('/connector', { name }),
  playground: (choice: Record<string, string | null | undefined> = {}): string => withQuery('/playground', choice),
  landscape: '/landscape',
  changes: '/changes',
  audit: (filter: Record<string, string | null | undefined> = {}): string => withQuery('/audit', filter),
  system: '/system',
  connections: '/connections',
  connection: (name: string): string => withQuery('/connection', { name }),
}
