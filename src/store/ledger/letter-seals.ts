/** What letters, corrections and intents hold of streams that are not kept in full, sealed like the bodies of their records. */
import type pg from 'pg'
import { openText, sealTexts } from '../body-seals.ts'

const aboutLetter = (recordId: string): string => `letter ${recordId}`
const aboutCorrection = (syncId: number, recordId: string): string => `correction ${syncId} ${recordId}`

const aboutSent = (recordId: string): string => `sent ${recordId}`

type Session = pg.Pool | pg.PoolClient

async function sealed(pool: object, client: Session, about: string, text: string): Promise<string> {
  const [bytes] = await sealTexts(pool, client, [{ about, bytes: Buffer.from(text) }])
  return bytes!.toString('utf8')
}

export const sealLetter = (pool: object, client: Session, recordId: string, text: string): Promise<string> =>
  sealed(pool, client, aboutLetter(recordId), text)

/** Null stays null; what was never sealed is given back as it is. Throws CSW-6007. */
export const openLetter = async (pool: object, recordId: string, text: string | null): Promise<string | null> =>
  text === null ? null : openText(pool, aboutLetter(recordId), text)

export const sealCorrection = (
  pool: object,
  client: Session,
  [syncId, recordId]: readonly [number, string],
  text: string,
): Promise<string> => sealed(pool, client, aboutCorrection(syncId, recordId), text)

export const openCorrection = (pool: object, syncId: number, recordId: string, text: string): Promise<string> =>
  openText(pool, aboutCorrection(syncId, recordId), text)

export const sealSent = (pool: object, client: Session, recordId: string, text: string): Promise<string> =>
  sealed(pool, client, aboutSent(recordId), text)

/** Null stays null; what was never sealed is given back as it is. Throws CSW-6007. */
export const openSent = async (pool: object, recordId: string, text: string | null): Promise<string | null> =>
  text === null ? null : openText(pool, aboutSent(recordId), text)

/** Whether what is copied from records of the stream has to be sealed. */
export async function isKeptInPart(client: Session, streamId: number): Promise<boolean> {
  const { rows } = await client.query<{ keeping: string }>('select keeping from stream where id = $1', [streamId])
  return rows[0] !== undefined && rows[0].keeping !== 'full'
}
