export { Catalogue, loadConnectors } from './catalogue.ts'
export { type ConnectionContext, Connector, type ConnectorDescription } from './connector.ts'
export * from './contract.ts'
export { manifestJsonSchema } from './manifest/manifest.ts'
