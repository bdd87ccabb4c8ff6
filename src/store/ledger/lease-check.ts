import type pg from 'pg'
import { CausewayError } from '../../core/index.ts'
import type { LeaseProof } from './types.ts'

/**
 * Refuses to go on when the lease changed hands. The share lock keeps a takeover from committing before this transaction
 * ends, so a worker that was frozen and wakes up cannot write over its successor.
 */
export async function assertLease(client: pg.PoolClient, lease: LeaseProof): Promise<void> {
  const { rowCount } = await client.query({
    name: 'assert-lease',
    text: 'select 1 from lease where name = $1 and token = $2 and expires_at > clock_timestamp() for share',
    values: [lease.name, lease.token],
  })
  if (!rowCount) throw lost(lease)
}

const DIVISION_BY_ZERO = '22012'

/** The same for a transaction whose commit is sent along: a lease that is lost fails the statement, and so all of the transaction. */
export async function failWithoutLease(client: pg.PoolClient, lease: LeaseProof): Promise<void> {
  try {
    await client.query({
      name: 'fail-without-lease',
      text: `select 1 / count(*) from (
               select 1 from lease where name = $1 and token = $2 and expires_at > clock_timestamp() for share) held`,
      values: [lease.name, lease.token],
    })
  } catch (error) {
    throw (error as { code?: string }).code === DIVISION_BY_ZERO ? lost(lease) : error
  }
}

const lost = ({ name, token }: LeaseProof): CausewayError =>
  new CausewayError('CSW-6004', { what: `the lease "${name}" is no longer held with token ${token}` })
