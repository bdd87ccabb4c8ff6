/** Records that are objects of a bucket. */
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import type { Fault, FaultKind } from '../faults.ts'
import { at, put } from '../paths.ts'
import type { Entry, Table } from '../table.ts'
import type { Fault as StoreFault } from './s3/contract.ts'
import { ObjectStore } from './s3/server.ts'
import type { Found, Store, StoreContext } from './store.ts'

export const S3_TROUBLES: ReadonlySet<FaultKind> = new Set<FaultKind>(['lost', 'cut', 'down', 'throttled', 'html'])

const FAULTS: Partial<Record<FaultKind, NonNullable<StoreFault>>> = {
  lost: { after: 'cut' },
  cut: { after: 'half' },
  down: { before: 'down' },
  throttled: { before: 'slow-down' },
  html: { before: 'html' },
}

const faultOf = (fault: Fault | null): StoreFault => (fault && FAULTS[fault.kind]) ?? null

/** An object store for the one key that the description's secrets name. */
export async function openBucket(context: StoreContext): Promise<ObjectStore> {
  const { bucket = 'hub', page, user: accessKey = 'AKHUB' } = context.description.store!
  const { secret_key: secretKey = '' } = context.secrets
  const store = new ObjectStore({
    ...{ folder: context.folder, accessKey, secretKey, bucket },
    ...(page === undefined ? {} : { page }),
  })
  await store.open()
  store.fault = ({ method, key }) =>
    faultOf(context.take({ method, path: key, write: method !== 'GET' && method !== 'HEAD' }))
  store.onAsked = ({ method, key, status, alien }) => context.note({ method, path: `/${key}`, status, alien })
  return store
}

export async function putObject(store: ObjectStore, key: string, bytes: Buffer, type: string, modified = new Date()) {
  const file = store.newFile()
  await writeFile(file, bytes)
  const etag = createHash('md5').update(bytes).digest('hex')
  store.put(key, { file, size: bytes.length, etag, crc: crc32(bytes), type }, modified)
}

export async function bucketStore(context: StoreContext): Promise<Store> {
  const store = await openBucket(context)
  const { prefix = '', bucket = 'hub', user = 'AKHUB' } = context.description.store!
  const changed = async (table: Table, entry: Entry): Promise<void> => {
    const key = prefix + entry.id
    if (entry.deleted) store.remove(key)
    else await putObject(store, key, entry.bytes ?? Buffer.alloc(0), 'application/octet-stream', momentOf(table, entry))
  }
  for (const table of context.tables.values()) for (const entry of table.entries) await changed(table, entry)
  return {
    place: { origin: store.url, bucket, user },
    troubles: S3_TROUBLES,
    changed,
    found: (table) => foundIn(store, prefix, table),
    close: () => store.close(),
  }
}

const momentOf = ({ collection }: Table, { record }: Entry): Date =>
  collection.updated ? new Date(String(at(record, collection.updated.field))) : new Date()

async function foundIn(store: ObjectStore, prefix: string, { collection }: Table): Promise<Found[]> {
  const found: Found[] = []
  for (const [key, { file, size, etag, modified, deleted }] of store.objects) {
    if (!key.startsWith(prefix) || key.endsWith('/') || deleted) continue
    const id = key.slice(prefix.length)
    const record = { [collection.id.field]: id }
    const { content, updated } = collection
    if (content?.size) put(record, content.size, size)
    if (content?.hash) put(record, content.hash.field, etag)
    if (updated) put(record, updated.field, modified.toISOString())
    found.push({ id, record, bytes: await readFile(file) })
  }
  return found
}
