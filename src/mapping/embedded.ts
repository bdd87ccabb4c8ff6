/** Mappings that stand in files of another kind: they run in the same sandbox and are checked by the same checker. */
import { digest, type Finding, hasErrors, type YamlFile, type YamlPath } from '../core/index.ts'
import { checkExpressions } from './check/expressions.ts'
import { DELETE_LIMITS, type StreamAddress, type SyncDefinition } from './contract.ts'
import type { Program } from './program.ts'
import { remember } from './read.ts'
import { readsOfAll } from './reads.ts'
import { type Template, toTemplate } from './template.ts'

export type EmbeddedMapping = {
  name: string
  from: StreamAddress
  /** Where the filter stands in the file; absent = every record passes. */
  when?: { source: string; path: YamlPath }
  /** The fields of the output, each with its text (or object of texts) and its place in the file. */
  map: Record<string, { value: unknown; path: YamlPath }>
}

/**
 * A definition that a mapping runner takes and `checkSync` looks at. It has no target, is never pushed and never registered; with
 * an error among the findings there is none.
 */
export function readEmbedded(
  spec: EmbeddedMapping,
  yaml: YamlFile,
): { definition?: SyncDefinition; findings: Finding[] } {
  const nowhere = { connection: '', stream: spec.name }
  const template: Template = {
    kind: 'object',
    entries: Object.entries(spec.map).map(([field, { value, path }]) => [field, toTemplate(value, path)]),
  }
  const program: Omit<Program, 'schema'> = {
    from: spec.from,
    to: nowhere,
    when: spec.when ?? null,
    template,
    each: null,
    joins: [],
    tables: {},
  }
  const { sound: expressions, findings } = checkExpressions(program, yaml)
  if (hasErrors(findings)) return { findings }
  const definition: SyncDefinition = {
    name: spec.name,
    file: yaml.file,
    source: yaml.text,
    version: digest(JSON.stringify(program)),
    from: spec.from,
    to: nowhere,
    match: [],
    multipart: false,
    joins: [],
    mode: 'upsert',
    onLeave: 'keep',
    deactivate: null,
    deletes: 'ignore',
    deleteLimits: DELETE_LIMITS,
    graceMs: 0,
    onDoubt: 'ask',
    content: false,
    schedule: [{ kind: 'manual' }],
    fullSchedule: null,
    lanes: 1,
    retry: { attempts: 1, baseMs: 0, capMs: 0 },
    tags: [],
    reads: readsOfAll(expressions, []),
  }
  const content = { from: `${spec.from.connection}:${spec.from.stream}`, to: `:${spec.name}` }
  remember({ definition, program, content, yaml, expressions })
  return { definition, findings }
}
