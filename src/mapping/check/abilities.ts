/** What a sync asks of its target that the stream cannot do. */
import type { Finding, YamlPath } from '../../core/index.ts'
import type { SyncDefinition } from '../contract.ts'
import type { Mapping } from '../read.ts'
import { judgeField } from './record-schema.ts'
import type { CheckedSystems } from './systems.ts'

export function abilityFindings({ definition, yaml }: Mapping, { to }: CheckedSystems): Finding[] {
  const findings: Finding[] = []
  const { abilities } = to
  const target = addressOf(definition.to)
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
export function matchFindings({ definition, program, yaml }: Mapping, { to, syncs }: CheckedSystems): Finding[] {
  const findings: Finding[] = []
  const mapped = program.template.kind === 'object' ? program.template.entries.map(([key]) => key) : undefined
  const { abilities } = to
  const target = addressOf(definition.to)
  const isRead = syncs && readStreams(syncs).has(target)
  for (const [i, key] of definition.match.entries()) {
    const place = yaml.placeOf(['match', i])
    for (const field of key) {
      const name = field.split('.')[0]!
      const { verdict, near } = judgeField(to.writeSchema, name)
      if (mapped && !mapped.includes(name))
        findings.push(finding(place, `the match field "${field}" is not mapped`, 'Add it to "map".'))
      else if (!mapped && (verdict === 'absent' || verdict === 'misspelt'))
        findings.push(
          finding(
            place,
            `the target has no field "${name}"`,
            near ? `Did you mean "${near}"?` : 'Correct the match field.',
          ),
        )
    }
    // The target's own stream in the change log can be searched by any field, once a sync reads it.
    if (
      key.some((field) => abilities.lookup.includes(field) || (key.length === 1 && abilities.upsertBy?.includes(field)))
    )
      continue
    const { lookup } = abilities
    const fix = lookup.length > 0 ? `It can look up by ${lookup.join(', ')}.` : 'It can look up by no field.'
    if (!abilities.read) findings.push(finding(place, `the target cannot look records up by ${key.join(' and ')}`, fix))
    // A stream without any look-up finds records in ways of its own, such as the key of a table or a file.
    else if (isRead === false && lookup.length > 0)
      findings.push({
        ...finding(
          place,
          `the target cannot look records up by ${key.join(' and ')}, and no sync reads ${target}`,
          fix,
        ),
        severity: 'warning',
      })
  }
  return findings
}

const readOf = new WeakMap<readonly SyncDefinition[], ReadonlySet<string>>()
/** What the syncs of a hub read, counted once for all of them. */
function readStreams(syncs: readonly SyncDefinition[]): ReadonlySet<string> {
  const known =
    readOf.get(syncs) ??
    new Set(syncs.flatMap(({ from, joins }) => [from, ...joins.map((join) => join.from)]).map(addressOf))
  readOf.set(syncs, known)
  return known
}

export const addressOf = ({ connection, stream }: { connection: string; stream: string }): string =>
  `${connection}:${stream}`

const finding = (place: Finding['place'], message: string, fix: string): Finding => ({
  severity: 'error',
  code: 'CSW-4005',
  message,
  fix,
  place,
})
