/** Which syncs a selection means: by name, tag, connection, connector, path or change, with what they feed and are fed by. */
import { CausewayError, nearestName } from '../core/index.ts'
import type { StreamAddress, SyncDefinition } from './contract.ts'

/** What of a hub folder a selection may ask. */
export type SelectionFacts = {
  connectorOf(connection: string): string | undefined
  /** Whether the file of a sync, or what lies beside it for it, differs from the last commit. */
  isModified(sync: SyncDefinition): boolean
}

type Term = { method: string; value: string; up: boolean; down: boolean }

const METHODS = ['name', 'tag', 'connection', 'connector', 'path', 'state']

/**
 * The syncs that any term of a selection means, in their own order. Terms are separated by commas or blanks: `crm-*`, `tag:sample`,
 * `connector:sample-erp`, `path:mappings/erp`, `state:modified`; `+term` adds all that feed it, `term+` all that it feeds. Throws
 * CSW-8020 for a term that cannot be read, or means none.
 */
export function selectSyncs(
  syncs: readonly SyncDefinition[],
  selection: string,
  facts: SelectionFacts,
): SyncDefinition[] {
  const terms = selection.split(/[\s,]+/).filter((term) => term !== '')
  if (terms.length === 0)
    throw unreadable('The selection is empty.', `Known: ${METHODS.map((one) => `${one}:…`).join(', ')}.`)
  const chosen = new Set<SyncDefinition>()
  for (const text of terms) {
    const term = readTerm(text)
    const direct = syncs.filter((sync) => means(term, sync, facts))
    if (direct.length === 0 && term.method !== 'state') throw nothing(text, term, syncs)
    for (const sync of direct) chosen.add(sync)
    if (term.up)
      for (const sync of reach(direct, syncs, (of, other) => reads(of).includes(address(other.to)))) chosen.add(sync)
    if (term.down)
      for (const sync of reach(direct, syncs, (of, other) => reads(other).includes(address(of.to)))) chosen.add(sync)
  }
  return syncs.filter((sync) => chosen.has(sync))
}

function readTerm(text: string): Term {
  const [, up, bare, down] = /^(\+?)(.*?)(\+?)$/.exec(text)!
  const [, method = 'name', value = ''] = /^(?:(\w+):)?(.*)$/.exec(bare!)!
  if (!METHODS.includes(method)) {
    const near = nearestName(method, METHODS)
    throw unreadable(
      `${JSON.stringify(text)} selects by "${method}".`,
      near ? `Did you mean "${near}:"?` : `Known: ${METHODS.join(', ')}.`,
    )
  }
  if (method === 'state' && value !== 'modified')
    throw unreadable(`${JSON.stringify(text)} is no state.`, 'Write state:modified.')
  return { method, value, up: up !== '', down: down !== '' }
}

function means({ method, value }: Term, sync: SyncDefinition, facts: SelectionFacts): boolean {
  const ends = [sync.from, sync.to, ...sync.joins.map((join) => join.from)].map(({ connection }) => connection)
  if (method === 'tag') return sync.tags.some((tag) => matches(value, tag))
  if (method === 'connection') return ends.some((one) => matches(value, one))
  if (method === 'connector') return ends.some((one) => matches(value, facts.connectorOf(one) ?? ''))
  if (method === 'path')
    return (
      sync.file === value ||
      sync.file.startsWith(value.endsWith('/') ? value : `${value}/`) ||
      matches(value, sync.file)
    )
  if (method === 'state') return facts.isModified(sync)
  return matches(value, sync.name)
}

/** `*` stands for any characters. */
const matches = (pattern: string, text: string): boolean =>
  new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`, 'u').test(text)

/** All syncs that some step leads to, however far. */
function reach(
  from: SyncDefinition[],
  syncs: readonly SyncDefinition[],
  leads: (of: SyncDefinition, other: SyncDefinition) => boolean,
) {
  const seen = new Set(from)
  const open = [...from]
  for (let sync = open.pop(); sync; sync = open.pop())
    for (const other of syncs)
      if (!seen.has(other) && leads(sync, other)) {
        seen.add(other)
        open.push(other)
      }
  return seen
}

const address = ({ connection, stream }: StreamAddress): string => `${connection}:${stream}`
const reads = (sync: SyncDefinition): string[] => [sync.from, ...sync.joins.map((join) => join.from)].map(address)

function nothing(text: string, { method, value }: Term, syncs: readonly SyncDefinition[]): CausewayError {
  const known: Record<string, string[]> = {
    name: syncs.map((sync) => sync.name),
    tag: syncs.flatMap((sync) => sync.tags),
    connection: syncs.flatMap((sync) => [sync.from.connection, sync.to.connection]),
  }
  const near = nearestName(value, new Set(known[method] ?? []))
  return unreadable(
    `No sync is meant by ${JSON.stringify(text)}.`,
    near ? `Did you mean "${near}"?` : '`causeway syncs list` shows them.',
  )
}

const unreadable = (what: string, fix: string): CausewayError => new CausewayError('CSW-8020', { what, fix })
