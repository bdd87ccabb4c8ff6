import { type CausewayError, nearestName } from '../core/index.ts'
import { notFound } from './problem.ts'
import type { HubServices } from './services.ts'

const unknown = (what: string, name: string, known: readonly { name: string }[]): CausewayError => {
  const near = nearestName(
    name,
    known.map((one) => one.name),
  )
  return notFound(`There is no ${what}.`, near && `Did you mean "${near}"?`)
}

/** That there is no such sync, and which may be meant. */
export const unknownSync = (hub: Pick<HubServices, 'syncs'>, name: string): CausewayError =>
  unknown(`sync "${name}"`, name, hub.syncs())

/** That there is no such connection, and which may be meant; `nor` says what else could be called so. */
export const unknownConnection = (hub: Pick<HubServices, 'connections'>, name: string, nor = ''): CausewayError =>
  unknown(`connection "${name}"${nor}`, name, hub.connections())

/** That there is no such connector, and which may be meant. */
export const unknownConnector = (hub: Pick<HubServices, 'connectors'>, name: string): CausewayError =>
  unknown(`connector "${name}"`, name, hub.connectors())
