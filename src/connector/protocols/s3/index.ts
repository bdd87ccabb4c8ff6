/** Protocol `s3`: objects of a bucket on AWS S3 and everything that speaks its protocol. */
import { defineProtocol } from '../contract.ts'
import { connectorFields, streamFields } from './fields.ts'
import { S3Session } from './session.ts'

export const s3 = defineProtocol({
  name: 's3',
  title: 'S3',
  sense:
    'Documents in a bucket of AWS S3 or of a store that speaks its protocol: listed, downloaded, uploaded in parts, renamed and deleted.',
  connector: connectorFields,
  stream: streamFields,
  defaults: { key: 'record.id', version: { value: 'record.modified', type: 'timestamp' } },
  example: `
language: 1
name: archive
title: Archive
protocol: s3
settings:
  endpoint: { type: url, required: true, title: Endpoint }
  bucket: { required: true, title: Bucket }
  region: { default: us-east-1, title: Region }
  access_key: { required: true, title: Access key }
  secret_key: { secret: true, required: true, title: Secret key }
endpoint: \${ settings.endpoint }
bucket: \${ settings.bucket }
auth:
  access_key: \${ settings.access_key }
  secret_key: \${ settings.secret_key }
  region: \${ settings.region }
streams:
  documents:
    title: Documents
    prefix: papers/
    write: true
`,
  abilities: ({ write }) => ({
    read: true,
    // No change feed: every read lists the keys, and what did not change is found unchanged by its hash.
    incremental: false,
    deletions: 'scan',
    create: write,
    update: write,
    upsert: write,
    upsertBy: write ? ['path'] : [],
    delete: write,
    lookup: ['path', 'id'],
    partialUpdate: true,
    content: true,
  }),
  open: async (context) => new S3Session(context),
})
