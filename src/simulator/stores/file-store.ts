/** Records that are the rows of one file: in a folder, on an SFTP server, or in a bucket. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FaultKind } from '../faults.ts'
import { at, type Item } from '../paths.ts'
import type { Table } from '../table.ts'
import { openBucket, putObject, S3_TROUBLES } from './bucket-store.ts'
import { startSftp } from './sftp.ts'
import type { Store, StoreContext } from './store.ts'
import { rowFormat } from './tables-as-files.ts'

/** Where the file lies, and how it gets there. */
type Home = {
  place: Item
  troubles: ReadonlySet<FaultKind>
  write(bytes: Buffer): Promise<void>
  read(): Promise<Buffer | null>
  close(): Promise<void>
}

export async function fileStore(context: StoreContext): Promise<Store> {
  const { on = 'folder', format = 'csv', days, name = `rows.${format}` } = context.description.store!
  const home = await { folder: inFolder, sftp: onServer, bucket: inBucket }[on](context, name)
  const rows = rowFormat(format, days)
  const [table, second] = context.tables.values()
  if (!table || second) throw new Error('A file holds the records of one collection.')
  const save = () => home.write(rows.write(table.present.map(({ record }) => record)))
  await save()
  return {
    place: { ...home.place, file: name },
    troubles: home.troubles,
    changed: save,
    found: async () => {
      if (rows.read === null) return table.present.map(({ id, record }) => ({ id, record }))
      const bytes = await home.read()
      return bytes === null ? [] : rows.read(bytes).map((record) => ({ id: idOf(table, record), record }))
    },
    close: () => home.close(),
  }
}

const idOf = ({ collection }: Table, record: Item): string => String(at(record, collection.id.field))

async function inFolder({ folder }: StoreContext, name: string): Promise<Home> {
  const file = join(folder, name)
  return {
    place: { folder },
    troubles: new Set(),
    write: (bytes) => writeFile(file, bytes),
    read: () => readFile(file).catch(() => null),
    close: () => Promise.resolve(),
  }
}

async function onServer(context: StoreContext, name: string): Promise<Home> {
  const { user = 'hub' } = context.description.store!
  const server = await startSftp({ folder: context.folder, user, password: context.secrets.password ?? '' })
  server.meet = (request) => {
    context.note({ method: request.method, path: request.path })
    return context.take(request)?.kind ?? null
  }
  return {
    ...(await inFolder(context, name)),
    place: { host: '127.0.0.1', port: server.port, user, host_key: server.hostKey },
    troubles: new Set<FaultKind>(['lost', 'down', 'cut']),
    close: () => server.close(),
  }
}

async function inBucket(context: StoreContext, name: string): Promise<Home> {
  const { bucket = 'hub', prefix = '', user = 'AKHUB' } = context.description.store!
  const store = await openBucket(context)
  const key = prefix + name
  return {
    place: { origin: store.url, bucket, user },
    troubles: S3_TROUBLES,
    write: (bytes) => putObject(store, key, bytes, 'text/csv'),
    read: async () => {
      const object = store.objects.get(key)
      return object ? readFile(object.file) : null
    },
    close: () => store.close(),
  }
}
