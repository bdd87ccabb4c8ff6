/**
 * Each command loads what it needs and no more: a check of files needs no database and no web server, and a hub no simulators
 * and no language server. That halves the time a command takes to start, and the memory of a hub at rest.
 */
import type { Hub, HubOptions } from './hub.ts'

export { manifestJsonSchema as connectorSchema } from '../connector/index.ts'
export { tableFilesOf } from '../mapping/index.ts'
export { configurationPlan } from './configuration-plan.ts'
export { type HubFolder, PACKAGE_FOLDER, readHubFiles } from './files.ts'
export type { Hub, HubOptions, HubRole } from './hub.ts'
export type { HubFiles } from './hub-files.ts'
export { checkProject, openTests, readCatalogue, readConnector, trySandbox } from './project.ts'
export { checkingEnvironment } from './samples.ts'
export { SCHEMAS } from './schemas.ts'
export const folderConfiguration = async (dir: string) => (await import('./configuration.ts')).folderConfiguration(dir)
export { selectedSyncs } from './selecting.ts'

export const openHub = async (options: HubOptions): Promise<Hub> => (await import('./hub.ts')).openHub(options)

type Connectors = typeof import('./connectors.ts')
export const testConnectors: Connectors['testConnectors'] = async (project) =>
  (await import('./connectors.ts')).testConnectors(project)
export const checkConnector: Connectors['checkConnector'] = async (project) =>
  (await import('./connectors.ts')).checkConnector(project)
export const createConnector: Connectors['createConnector'] = async (project) =>
  (await import('./connectors.ts')).createConnector(project)

export const serveEditorFor = async (dir: string): Promise<void> => (await import('./editing.ts')).serveEditorFor(dir)

export const checkRestored = async (dir: string) => (await import('./restored.ts')).checkRestored(dir)

type Migrating = typeof import('./migrating.ts')
export const migrateLedger: Migrating['migrateLedger'] = async (target) =>
  (await import('./migrating.ts')).migrateLedger(target)
