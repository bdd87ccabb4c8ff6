/** Drifts as the API gives them, and as a terminal shows them. */
export type Drift = {
  id: number
  stream: string
  runId: number | null
  foundAt: string
  state: string
  changes: {
    kind: 'new' | 'vanished' | 'type'
    field: string
    before: string[]
    after: string[]
    touches: { sync: string; key: string; place: { file: string; line?: number; column?: number } }[]
  }[]
}

/** A line for each change, and one for each line of a mapping that it touches. */
export function driftLines(drifts: Drift[]): [string, string][] {
  return drifts.flatMap((drift) =>
    drift.changes.flatMap((change, i): [string, string][] => [
      [i ? '' : `drift ${drift.id}, ${drift.state}`, whatChanged(change)],
      ...change.touches.map(({ sync, key, place }): [string, string] => [
        '',
        `  read by ${sync}, ${key}: ${[place.file, place.line, place.column].filter((one) => one !== undefined).join(':')}`,
      ]),
    ]),
  )
}

function whatChanged({ kind, field, before, after }: Drift['changes'][number]): string {
  if (kind === 'new') return `${field} is new${after.length ? ` (${after.join(', ')})` : ''}`
  if (kind === 'vanished') return `${field} is gone`
  return `${field} was ${before.join(', ')} and is also ${after.join(', ')} now`
}
