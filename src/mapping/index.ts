export * from './contract.ts'
export { loadMappings } from './load.ts'
export { type Mapping, readMapping, readSoundMapping } from './read.ts'
export { createMappingRunner, type MappingRunnerOptions } from './runner.ts'
