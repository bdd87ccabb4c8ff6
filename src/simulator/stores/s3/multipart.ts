/** Uploads in parts: begun, filled, asked after, ended. */
import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { base64, joined, textOf } from './bytes.ts'
import { type Received, type Reply, type Stored, StoreError, type Upload } from './contract.ts'
import { empty, unescaped, xml } from './xml.ts'

const SMALLEST_PART = 5_242_880
/** Parts a listing gives: few, so that its end is met. */
const LISTED = 3

export function begun(uploads: Map<string, Upload>, { key, headers }: Received, id: string): Reply {
  const full = headers['x-amz-checksum-type'] === 'FULL_OBJECT'
  uploads.set(id, { key, type: headers['content-type'] ?? '', full, parts: new Map() })
  return xml(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`)
}

export function taken(upload: Upload, { query, body }: Received): Reply {
  upload.parts.set(Number(query.get('partNumber')), body)
  return empty(200, { ETag: `"${body.md5}"` })
}

export function listed({ parts }: Upload, query: URLSearchParams): Reply {
  const after = Number(query.get('part-number-marker') ?? 0)
  const all = [...parts].filter(([number]) => number > after).sort(([a], [b]) => a - b)
  const some = all.slice(0, LISTED)
  const shown = some.map(
    ([number, { size, md5 }]) =>
      `<Part><PartNumber>${number}</PartNumber><ETag>&quot;${md5}&quot;</ETag><Size>${size}</Size></Part>`,
  )
  return xml(
    `<ListPartsResult><NextPartNumberMarker>${some.at(-1)?.[0] ?? 0}</NextPartNumberMarker><IsTruncated>${all.length > some.length}</IsTruncated>${shown.join('')}</ListPartsResult>`,
  )
}

/** The parts that an end of an upload names; throws where one is not there as it says. */
export async function namedParts(upload: Upload, file: string) {
  const given = [...(await textOf(file)).matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>(.*?)<\/ETag>/g)]
  const parts = given.map(([, number, etag]) => {
    const part = upload.parts.get(Number(number))
    if (!part || unescaped(etag!) !== `"${part.md5}"`) throw new StoreError(400, 'InvalidPart')
    return part
  })
  if (parts.some(({ size }, i) => size < SMALLEST_PART && i < parts.length - 1))
    throw new StoreError(400, 'EntityTooSmall')
  return parts
}

/** The object that the parts make. */
export async function completed(
  upload: Upload,
  parts: { file: string; md5: string }[],
  file: string,
  checksum: unknown,
): Promise<Omit<Stored, 'modified' | 'version'>> {
  const crc = await joined(parts, file)
  if (upload.full && checksum !== base64(crc)) throw new StoreError(400, 'BadDigest')
  const etag = `${createHash('md5')
    .update(Buffer.from(parts.map(({ md5 }) => md5).join(''), 'hex'))
    .digest('hex')}-${parts.length}`
  return { file, size: (await stat(file)).size, etag, crc, type: upload.type }
}

export const completionOf = ({ etag, crc }: Pick<Stored, 'etag' | 'crc'>): Reply =>
  xml(
    `<CompleteMultipartUploadResult><ETag>&quot;${etag}&quot;</ETag><ChecksumCRC32>${base64(crc)}</ChecksumCRC32></CompleteMultipartUploadResult>`,
  )
