/** Checks a sync against the systems it joins, before it runs. Says only what is certain: no finding is better than a false one. */
import type { Finding, JsonObject, YamlPath } from '../core/index.ts'
import { type CheckedExpression, checkExpressions } from './check-expressions.ts'
import { outputFindings } from './check-output.ts'
import type { SyncDefinition } from './contract.ts'
import { type Mapping, readSoundMapping } from './read.ts'
import { fieldsOf, judgeField, knownFields, throughLists } from './record-schema.ts'

/** What of a stream's description the checker looks at; the connector room's `StreamInfo` fits. */
export type CheckedStream = {
  readSchema?: JsonObject
  writeSchema?: JsonObject
  abilities: {
    read: boolean
    create: boolean
    update: boolean
    upsert: boolean
    delete: boolean
    content: boolean
    lookup: string[]
  }
}

type CheckedSystems = {
  from: CheckedStream
  to: CheckedStream
  /** The joined streams by join name, as far as they are known. */
  joins?: Readonly<Record<string, CheckedStream | undefined>>
}

/** All that is wrong with a sync as far as files and stream descriptions tell. */
export function checkSync(sync: SyncDefinition, systems: CheckedSystems): Finding[] {
  const mapping = readSoundMapping(sync.source, sync.file)
  const { sound, findings } = checkExpressions(mapping.program, mapping.yaml)
  return [
    ...findings,
    ...sound.flatMap((expression) => pathFindings(expression, mapping, systems)),
    ...outputFindings(mapping, sound, systems.to.writeSchema),
    ...abilityFindings(mapping, systems),
    ...matchFindings(mapping, systems.to),
  ]
}

/** Source paths that the read schema does not have. A warning: systems send fields that their descriptions forget. */
function pathFindings(expression: CheckedExpression, mapping: Mapping, systems: CheckedSystems): Finding[] {
  const { text, compiled } = expression
  return compiled.analysis.paths.flatMap((use): Finding[] => {
    let schema = rootSchema(use.from, mapping, systems)
    for (const step of use.steps) {
      schema = throughLists(schema)
      const { verdict, near } = judgeField(schema, step.name)
      if (verdict === 'absent' || verdict === 'misspelt')
        return [
          {
            severity: 'warning',
            code: 'CSW-4005',
            message: `${use.from ? `$${use.from}` : 'the source record'} has no field "${step.name}"`,
            fix: near ? `Did you mean "${near}"?` : knownFields(schema),
            place: mapping.yaml.placeInScalar(text.path, step.offset),
          },
        ]
      if (verdict !== 'known') return []
      schema = fieldsOf(schema)?.[step.name]
    }
    return []
  })
}

function rootSchema(from: string, mapping: Mapping, systems: CheckedSystems): unknown {
  if (from === '') return systems.from.readSchema
  if (from === 'item') return undefined
  return mapping.program.joins.some((join) => join.name === from) ? systems.joins?.[from]?.readSchema : undefined
}

/** What the sync asks of the target that its stream cannot do. */
function abilityFindings({ definition, yaml }: Mapping, { to }: CheckedSystems): Finding[] {
  const findings: Finding[] = []
  const { abilities } = to
  const target = `${definition.to.connection}:${definition.to.stream}`
  const need = (able: boolean, path: YamlPath, what: string, fix: string) => {
    if (!able) findings.push(finding(yaml.placeOf(path), `${target} cannot ${what}`, fix))
  }
  const { mode } = definition
  const modeFix = 'Choose another stream, or a mode that it can do.'
  if (mode !== 'update-only') need(abilities.create || abilities.upsert, ['to'], 'create records', modeFix)
  if (mode !== 'create-only') need(abilities.update || abilities.upsert, ['to'], 'update records', modeFix)
  const deletes = definition.deletes === 'delete' ? ['deletes'] : definition.onLeave === 'delete' ? ['on_leave'] : []
  if (deletes.length > 0) need(abilities.delete, deletes, 'delete records', 'Use "deactivate", "unlink" or "ignore".')
  if (definition.content) need(abilities.content, ['content'], 'take contents of files', 'Remove "content".')
  return findings
}

/** Match keys must be mapped, and something must be able to find records by them. */
function matchFindings({ definition, program, yaml }: Mapping, to: CheckedStream): Finding[] {
  const findings: Finding[] = []
  const mapped = program.template.kind === 'object' ? program.template.entries.map(([key]) => key) : undefined
  for (const [i, key] of definition.match.entries()) {
    for (const field of key) {
      if (mapped && !mapped.includes(field.split('.')[0]!))
        findings.push(
          finding(yaml.placeOf(['match', i]), `the match field "${field}" is not mapped`, 'Add it to "map".'),
        )
    }
    // The target's own stream in the change log can be searched by any field, so only streams nobody can read are judged.
    if (!to.abilities.read && !key.some((field) => to.abilities.lookup.includes(field))) {
      const { lookup } = to.abilities
      const fix = lookup.length > 0 ? `It can look up by ${lookup.join(', ')}.` : 'It can look up by no field.'
      findings.push(
        finding(yaml.placeOf(['match', i]), `the target cannot look records up by ${key.join(' and ')}`, fix),
      )
    }
  }
  return findings
}

const finding = (place: Finding['place'], message: string, fix: string): Finding => ({
  severity: 'error',
  code: 'CSW-4005',
  message,
  fix,
  place,
})
