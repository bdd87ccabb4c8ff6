import type { BulkKind, Selection } from '../store/views/index.ts'
import type { Actor } from './actor.ts'

/** A bulk action as a person confirmed it. */
type BulkConfirmation = {
  kind: BulkKind
  filter: object
  selection: Selection
  /** Of the preview. */
  token: string
  /** Of the request: what begins twice with it is one action. */
  id: string | null
  /** Of conflicts: what wins. `value` is JSON text. */
  decision?: { decision: 'from' | 'to' | 'value'; value: string | null }
  /** Of events: the sync they go through; null for all. */
  sync?: string | null
}

/** What is done to many things at once, by whoever works. */
export interface BulkServices {
  /** Keeps the action and gives its number. Throws CSW-8007 when other things are selected by now. */
  begin(confirmed: BulkConfirmation, actor: Actor): Promise<number>
  /** Stops it between two parts. Throws CSW-8008 when it is over. */
  abort(id: number, actor: Actor): Promise<void>
}
