/** What the matcher needs of the other rooms. `assemble` fills it. */
import type { MappingRunner, StreamAddress } from '../mapping/index.ts'
import type { IdentityBook, Ledger } from '../store/index.ts'

export type HeldLease = { name: string; token: number; signal: AbortSignal; release(): Promise<void> }

export type IdentityPorts = {
  ledger: Pick<Ledger, 'readLog' | 'readBodies'>
  book: IdentityBook
  mappings: Pick<MappingRunner, 'map'>
  holdLease(name: string): Promise<HeldLease | null>
  streamId(address: StreamAddress): number | undefined
  log: { warn(fields: Record<string, unknown>, message: string): void }
}

export type {
  EventWrite,
  IdentityPlace,
  IdentityRow,
  IdentityWrite,
  MemberRow,
  RecordPair,
} from '../store/index.ts'
