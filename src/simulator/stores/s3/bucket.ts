/** What is asked of the bucket as a whole: listings, and the deletion of many objects. */
import { textOf } from './bytes.ts'
import { type Received, type Reply, type Stored, StoreError, type StoreOptions } from './contract.ts'
import { coded, quoted, unescaped, xml } from './xml.ts'

const MOST = 1000

export function listing(objects: ReadonlyMap<string, Stored>, query: URLSearchParams, page = MOST): Reply {
  const most = Math.min(Number(query.get('max-keys') ?? MOST), page, MOST)
  const prefix = query.get('prefix') ?? ''
  const after = query.get('start-after') ?? query.get('key-marker') ?? ''
  const all = [...objects].filter(([key]) => key.startsWith(prefix) && key > after).sort(([a], [b]) => (a < b ? -1 : 1))
  const some = all.slice(0, most)
  const more = all.length > most
  return xml(query.has('versions') ? versions(some, more) : keys(some, more))
}

type Entries = [string, Stored][]

const truncated = (more: boolean): string => `<IsTruncated>${more}</IsTruncated>`

function keys(some: Entries, more: boolean): string {
  const entries = some
    .filter(([, object]) => !object.deleted)
    .map(
      ([key, object]) =>
        `<Contents><Key>${coded(key)}</Key><LastModified>${object.modified.toISOString()}</LastModified><ETag>&quot;${object.etag}&quot;</ETag><Size>${object.size}</Size></Contents>`,
    )
  return `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${truncated(more)}${entries.join('')}</ListBucketResult>`
}

function versions(some: Entries, more: boolean): string {
  const entries = some.map(([key, object]) => {
    const common = `<Key>${coded(key)}</Key><VersionId>${object.version}</VersionId><IsLatest>true</IsLatest><LastModified>${object.modified.toISOString()}</LastModified>`
    return object.deleted
      ? `<DeleteMarker>${common}</DeleteMarker>`
      : `<Version>${common}<ETag>&quot;${object.etag}&quot;</ETag><Size>${object.size}</Size></Version>`
  })
  const next = more ? `<NextKeyMarker>${coded(some.at(-1)![0])}</NextKeyMarker>` : ''
  return `<ListVersionsResult>${truncated(more)}${next}${entries.join('')}</ListVersionsResult>`
}

/** Deletes the keys that a body names; a key that is not there counts as deleted. */
export async function deletions(
  { headers, body }: Received,
  { locked }: StoreOptions,
  remove: (key: string) => void,
): Promise<Reply> {
  if (headers['content-md5'] !== Buffer.from(body.md5, 'hex').toString('base64'))
    throw new StoreError(400, 'InvalidDigest')
  const errors: string[] = []
  for (const [, escaped = ''] of (await textOf(body.file)).matchAll(/<Key>(.*?)<\/Key>/g)) {
    const key = unescaped(escaped)
    if (locked !== undefined && key.includes(locked))
      errors.push(`<Error><Key>${quoted(key)}</Key><Code>AccessDenied</Code></Error>`)
    else remove(key)
  }
  return xml(`<DeleteResult>${errors.join('')}</DeleteResult>`)
}
