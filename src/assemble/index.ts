export { serveEditorFor } from './editing.ts'
export { type HubFiles, type HubFolder, PACKAGE_FOLDER, readHubFiles } from './files.ts'
export { type Hub, type HubOptions, type HubRole, openHub } from './hub.ts'
export { checkProject, migrateLedger, openTests, readCatalogue, testConnectors } from './project.ts'
