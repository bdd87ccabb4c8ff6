import { CausewayError } from '../../core/index.ts'

/**
 * Asked in the moment before a write takes effect (a file is put in its place, a transaction is committed): the process may have
 * been frozen, and somebody else have written since. Calls over HTTP are asked by `outbound`. Throws CSW-3015.
 */
export function refuseIfTooLate(maySend: (() => boolean) | undefined): void {
  if (maySend?.() === false)
    throw new CausewayError('CSW-3015', { what: 'The right to write this ended before it was written.' })
}
