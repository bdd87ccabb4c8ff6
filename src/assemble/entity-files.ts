/** What the files in `entities/` ask of the connections and streams of the hub. */
import type { HubConfig } from '../config/index.ts'
import type { StreamInfo } from '../connector/index.ts'
import type { Finding } from '../core/index.ts'
import type { EntityType } from '../identity/index.ts'
import { checkSync, type StreamAddress, type SyncDefinition } from '../mapping/index.ts'
import { embeddedOf, keepingOf } from './model.ts'

/** A target that takes whatever it is given: what a view makes of a record goes nowhere. */
const ANYTHING = {
  abilities: { read: true, create: true, update: true, upsert: true, delete: true, content: true, lookup: [] },
}

/** The streams of records and of the timeline must exist, be readable, and be kept in a way that leaves what is read of them. */
export function checkEntities(
  types: readonly EntityType[],
  config: HubConfig,
  find: (reader: SyncDefinition, address: StreamAddress, findings: Finding[]) => StreamInfo | undefined,
): Finding[] {
  return embeddedOf(types).flatMap((reader) => {
    const findings: Finding[] = []
    const stream = find(reader, reader.from, findings)
    const place = { file: reader.file, line: 1, column: 1 }
    const address = `${reader.from.connection}:${reader.from.stream}`
    if (stream && !stream.abilities.read)
      findings.push({
        severity: 'error',
        code: 'CSW-2003',
        message: `${address} cannot be read`,
        fix: 'Choose another stream; `causeway connectors show` prints what each can do.',
        place,
      })
    if (keepingOf(config.connections.get(reader.from.connection)?.keep, reader.from.stream) === 'hash')
      findings.push({
        severity: 'error',
        code: 'CSW-1009',
        message: `${address} cannot be kept as hash, because an entity reads its records`,
        fix: 'Keep it as `used`, which leaves the fields that entities and mappings read.',
        place,
      })
    return stream ? [...findings, ...checkSync(reader, { from: stream, to: ANYTHING })] : findings
  })
}
