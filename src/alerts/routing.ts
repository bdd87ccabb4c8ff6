import type { AlertRoute } from '../config/index.ts'
import type { Subject } from './contract.ts'

/** Whether a route is told of a subject. What names no sync at all is left to routes that ask for none. */
export function wants(route: AlertRoute, subject: Subject): boolean {
  return (
    route.tell.includes(subject.kind) &&
    (subject.severity === 'error' || route.severity === 'warning') &&
    (route.syncs.length === 0 || subject.syncs.some((sync) => route.syncs.includes(sync))) &&
    (route.connections.length === 0 || connectionsOf(subject).some((name) => route.connections.includes(name)))
  )
}

const connectionsOf = ({ connection, streams }: Subject): string[] => [
  ...(connection === null ? [] : [connection]),
  ...streams.map((stream) => stream.slice(0, stream.indexOf(':'))),
]
