/** Protocol `files`: CSV and JSON lines in a local folder. */
import { defineProtocol } from '../contract.ts'
import { connectorFields, streamFields } from './fields.ts'
import { FilesSession } from './session.ts'

export const files = defineProtocol({
  name: 'files',
  title: 'Files',
  sense: 'CSV and JSON lines in a folder of the machine the hub runs on: read, and written by key.',
  connector: connectorFields,
  stream: streamFields,
  example: `
language: 1
name: stock-list
title: Stock list
protocol: files
settings:
  folder: { required: true, title: Folder }
folder: \${ settings.folder }
format: csv
delimiter: ';'
streams:
  items:
    title: Items
    file: stock.csv
    key: record.sku
    lookup: [sku]
    write: { key_field: sku }
`,
  abilities: (stream) => ({
    read: true,
    incremental: true,
    deletions: 'scan',
    create: stream.write !== undefined,
    update: stream.write !== undefined,
    upsert: stream.write !== undefined,
    upsertBy: stream.write?.key_field.constant ? [stream.write.key_field.source] : [],
    delete: stream.write !== undefined,
    lookup: stream.lookup ?? [],
    partialUpdate: true,
    content: false,
  }),
  open: async (context) => new FilesSession(context),
})
