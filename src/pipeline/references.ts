import { CausewayError, type Json, type JsonObject, JsonText, parseExact } from '../core/index.ts'
import type { MapOutput, Reference } from '../mapping/index.ts'
import { linkKey } from './ports.ts'
import type { Lane, Work } from './work.ts'

/**
 * Normally the delivery a record waits for releases it. A link that another transaction commits while this one parks is seen by
 * neither, so the first look of our own comes soon; after that the wait is a real one.
 */
const FIRST_LOOK_MS = 3_000
const PARKED_LOOK_MS = 30_000

/**
 * Puts target ids where the mapping said `$ref(...)`. A record that refers to something not delivered yet is parked, and
 * released by the commit that links what it waits for.
 */
export async function resolveReferences(lane: Lane, works: Work[], outputs: Map<string, MapOutput>): Promise<void> {
  const open = works.flatMap((work) => referencesOf(work, outputs).map((reference) => ({ work, reference })))
  if (!open.length) return
  const groups = Map.groupBy(
    open,
    ({ reference }) => `${address(reference.from)} → ${address(targetOf(lane, reference))}`,
  )
  for (const group of groups.values()) {
    const first = group[0]!.reference
    const model = lane.ports.model()
    const from = model.streamId(first.from)
    const to = model.streamId(targetOf(lane, first))
    if (from === undefined || to === undefined) {
      for (const { work, reference } of group)
        work.settlement ??= { state: 'dead', dead: true, error: unknownStream(reference).toJSON() }
      continue
    }
    const targets = await lane.ports.ledger.findTargets(from, to, [
      ...new Set(group.map(({ reference }) => reference.id)),
    ])
    for (const { work, reference } of group) {
      const id = targets.get(linkKey(reference.id, ''))?.id
      if (id !== undefined) work.values = placed(work.values, reference.path, id)
      else work.settlement ??= park(work, reference, from)
    }
  }
}

function referencesOf(work: Work, outputs: Map<string, MapOutput>): Reference[] {
  const output = outputs.get(work.record.id)
  if (work.settlement || work.takenBack || output?.status !== 'mapped') return []
  return output.parts.find((part) => part.part === work.part)?.references ?? []
}

const targetOf = (lane: Lane, reference: Reference) => ({
  connection: reference.to.connection || lane.sync.to.connection,
  stream: reference.to.stream,
})
const address = (stream: { connection: string; stream: string }): string => `${stream.connection}:${stream.stream}`

function park(work: Work, reference: Reference, streamId: number): NonNullable<Work['settlement']> {
  const error = new CausewayError('CSW-5003', {
    what: `waits for ${address(reference.from)}, which is not in ${reference.to.stream} yet`,
    data: { path: reference.path.join('.') },
  })
  return {
    state: 'parked',
    error: error.toJSON(),
    retryInMs: work.existing?.state === 'parked' ? PARKED_LOOK_MS : FIRST_LOOK_MS,
    parked: { streamId, recordId: reference.id },
  }
}

const unknownStream = (reference: Reference): CausewayError =>
  new CausewayError('CSW-2002', {
    what: `$ref names a stream that no sync uses: ${address(reference.from)} or ${reference.to.stream}`,
  })

/** The values with an id at a path that exists in the mapped output. */
function placed(text: JsonText, path: (string | number)[], id: string): JsonText {
  const values = parseExact(text.toString()) as JsonObject
  let at: Json = values
  for (const step of path.slice(0, -1)) at = (at as Record<string | number, Json>)[step]!
  ;(at as Record<string | number, Json>)[path.at(-1)!] = id
  return JsonText.of(values)
}
