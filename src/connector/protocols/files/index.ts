/** Protocol `files`: CSV and JSON lines in a local folder. */
import type { JsonObject } from '../../../core/index.ts'
import { asText, type Template } from '../../language/index.ts'
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
