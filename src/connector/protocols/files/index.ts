/** Protocol `files`: CSV and JSON lines in a local folder, on an SFTP server or in an object store. */
import type { JsonObject } from '../../../core/index.ts'
import { asText, type PartFinding, type Template } from '../../language/index.ts'
import { defineProtocol } from '../contract.ts'
import { connectorFields, streamFields } from './fields.ts'
import { FilesSession } from './session.ts'

export const files = defineProtocol({
  name: 'files',
  title: 'Files',
  sense:
    'CSV, JSON lines and workbooks (XLSX, read only) in a folder of the machine the hub runs on, on an SFTP server or in an object store: read, and written by key.',
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
  abilities: (stream, _connector, settings) => ({
    read: true,
    incremental: true,
    deletions: 'scan',
    create: stream.write !== undefined,
    update: stream.write !== undefined,
    upsert: stream.write !== undefined,
    upsertBy: stream.write ? namesOf([stream.write.key_field], settings) : [],
    delete: stream.write !== undefined,
    lookup: namesOf(stream.lookup ?? [], settings),
    partialUpdate: true,
    content: false,
  }),
  check: (stream, connector) => {
    const found: PartFinding[] = []
    const places = [connector.folder, connector.sftp, connector.s3].filter((place) => place !== undefined)
    if (places.length !== 1)
      found.push({
        field: 'file',
        message: `the connector says ${places.length ? 'in more than one way' : 'nowhere'} where its files are`,
        fix: 'Give the connector exactly one of `folder`, `sftp` and `s3`.',
      })
    if (connector.format === 'xlsx' && stream.write)
      found.push({ field: 'write', message: 'workbooks are read only', fix: 'Leave it out.' })
    return found
  },
  open: async (context) => new FilesSession(context),
})

/** Names that the settings of a connection give are known once it is open. */
function namesOf(templates: Template[], settings: JsonObject | undefined): string[] {
  return templates.flatMap((name) => {
    if (!name.constant && settings === undefined) return []
    const value = name.evaluate({ settings: settings ?? {} })
    return value === undefined || value === null ? [] : [asText(value)]
  })
}
