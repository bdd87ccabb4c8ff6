/** Where the records of a system are that is no API: a bucket, a table of a database, a directory, a file. */
import type { Description } from '../description.ts'
import type { Fault, FaultKind } from '../faults.ts'
import type { Served } from '../installation.ts'
import type { Item } from '../paths.ts'
import type { Entry, Table } from '../table.ts'

/** A record as it lies there now. */
export type Found = { id: string; record: Item; bytes?: Buffer }

export interface Store {
  /** What the settings of a connection may name: address, folder, fingerprint of a host key. */
  readonly place: Item
  /** The troubles this kind of system can make. */
  readonly troubles: ReadonlySet<FaultKind>
  /** Somebody made, changed or deleted a record (`deleted`) in the system itself. */
  changed(table: Table, entry: Entry): Promise<void>
  /** What is there now, whoever wrote it. */
  found(table: Table): Promise<Found[]>
  close(): Promise<void>
}

/** A database server of this machine, which whoever runs the suite has to bring. */
type Postgres = { url: string; close(): Promise<void> }
export type Services = { postgres?: () => Promise<Postgres> }

export type StoreContext = {
  description: Description
  tables: ReadonlyMap<string, Table>
  secrets: Readonly<Record<string, string>>
  /** An empty folder of its own, removed at the end. */
  folder: string
  services: Services
  /** The trouble a request has to meet; null for none. */
  take(seen: { method: string; path: string; write: boolean }): Fault | null
  note(served: Pick<Served, 'method' | 'path'> & Partial<Served>): void
}
