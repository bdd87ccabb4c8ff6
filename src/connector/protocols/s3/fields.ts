/** What a manifest says about an object store. */
import { type CompiledPart, choice, flag, integer, section, template } from '../../language/index.ts'
import { DEFAULT_LIMITS, limitsPart } from '../../parts/limits.ts'
import { sigv4Part } from '../../parts/sigv4.ts'

const SETTINGS = ['settings'] as const

export const connectorFields = {
  endpoint: template({
    sense: 'Where the store is, without the bucket. For AWS: https://s3.<region>.amazonaws.com.',
    names: SETTINGS,
    required: true,
    example: 'https://s3.eu-central-1.amazonaws.com',
  }),
  bucket: template({ sense: 'The bucket.', names: SETTINGS, required: true }),
  path_style: template({
    sense:
      '`true`: the bucket is the first part of the path, as most stores other than AWS want it. `false`: it is the first part of the host name.',
    names: SETTINGS,
    default: 'true',
  }),
  auth: section(sigv4Part, { sense: 'The key that signs every request.', required: true }),
  checksum: choice(['crc32', 'none'], {
    sense:
      '`crc32`: the store checks each part and the whole object against what was read. `none`: for stores that refuse these headers; each part is then held by its signature alone.',
    default: 'crc32',
  }),
  conditional: flag({
    sense: 'Creates only where there is nothing yet (`If-None-Match`). Switch it off for stores that refuse it.',
    default: true,
  }),
  part_size: integer({
    sense:
      'Bytes of each part of a large object; it is held in memory. Larger parts are taken where a file would need more than 10,000.',
    default: 8_388_608,
    minimum: 5_242_880,
    maximum: 67_108_864,
  }),
  limits: section(limitsPart, { sense: 'How hard a connection may press.', default: {} }),
}
export type S3Connector = CompiledPart<typeof connectorFields>

export const streamFields = {
  prefix: template({
    sense: 'What all keys of the stream begin with, such as `invoices/`. Paths of records are what comes after it.',
    names: SETTINGS,
  }),
  versioned: flag({
    sense: 'For buckets that keep versions: records carry `version_id`, and deleted objects are tombstones.',
    default: false,
  }),
  write: flag({ sense: 'Lets syncs upload, rename and delete.', default: false }),
  page_size: integer({ sense: 'Keys a listing.', default: 1000, minimum: 1, maximum: 1000 }),
}
export type S3Stream = CompiledPart<typeof streamFields>

export const limitsOf = (connector: Pick<S3Connector, 'limits'>) => connector.limits ?? DEFAULT_LIMITS
