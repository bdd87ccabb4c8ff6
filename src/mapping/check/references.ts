/** `$ref(to, from, id)` gives an id only where some sync links records of the two streams. */
import { type Finding, nearestName } from '../../core/index.ts'
import { type AstNode, childrenOf, startOf } from '../../expression/index.ts'
import type { SyncDefinition } from '../contract.ts'
import type { Mapping } from '../read.ts'
import { addressOf } from './abilities.ts'

export function referenceFindings(mapping: Mapping, syncs?: readonly SyncDefinition[]): Finding[] {
  if (!syncs) return []
  const linked = linkedOf(syncs)
  const { from, to } = mapping.definition
  return mapping.expressions.flatMap(({ text, compiled }) =>
    callsOfRef(compiled.ast).flatMap(({ node, target, source }): Finding[] => {
      const wanted = withConnection(target, to.connection)
      const referred = withConnection(source, from.connection)
      const group = linked.get(referred)
      if (group !== undefined && group === linked.get(wanted)) return []
      const unknown = [referred, wanted].find((stream) => !linked.has(stream))
      const near = unknown && nearestName(unknown, linked.keys())
      return [
        {
          severity: 'warning',
          code: 'CSW-4005',
          message: unknown
            ? `no sync touches ${unknown}, so this reference never gets an id`
            : `no sync brings ${referred} to ${wanted}, so this reference never gets an id`,
          fix: near ? `Did you mean "${near}"?` : `Add a sync from ${referred} to ${wanted}.`,
          place: mapping.yaml.placeInScalar(text.path, startOf(node, compiled.source)),
        },
      ]
    }),
  )
}

type Call = { node: AstNode; target: string; source: string }

/** Calls whose streams are written out; others are known only when they run. */
function callsOfRef(node: AstNode): Call[] {
  const [target, source] = node.arguments ?? []
  const isRef =
    node.type === 'function' &&
    node.procedure?.value === 'ref' &&
    target?.type === 'string' &&
    source?.type === 'string'
  const own = isRef ? [{ node, target: target.value as string, source: source.value as string }] : []
  return [...own, ...childrenOf(node).flatMap(callsOfRef)]
}

const withConnection = (text: string, connection: string): string =>
  text.includes(':') ? text : `${connection}:${text}`

/** Every sync of a hub is checked against the same list; a hub of a thousand syncs makes its groups once. */
const groupsOf = new WeakMap<readonly SyncDefinition[], Map<string, number>>()
function linkedOf(syncs: readonly SyncDefinition[]): Map<string, number> {
  const known = groupsOf.get(syncs) ?? linkedStreams(syncs)
  groupsOf.set(syncs, known)
  return known
}

/** Streams by the group that syncs join them to: a link made one way is known in both, and over third systems. */
function linkedStreams(syncs: readonly SyncDefinition[]): Map<string, number> {
  const groups = new Map<string, number>()
  for (const [i, sync] of syncs.entries()) {
    const ends = [addressOf(sync.from), addressOf(sync.to)]
    const joined = new Set(ends.map((end) => groups.get(end)).filter((group) => group !== undefined))
    for (const [stream, group] of groups) if (joined.has(group)) groups.set(stream, i)
    for (const end of ends) groups.set(end, i)
  }
  return groups
}
