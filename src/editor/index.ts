export { complete, type MappingSystems } from './assist.ts'
export { type EditorProject, serveEditor } from './server.ts'
