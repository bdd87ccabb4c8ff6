import { type Completeness, check, type Fields } from '../fields/index.ts'
import { Refusal } from '../http/index.ts'
import type { Row, Store, Table } from '../state/index.ts'
import type { Blob, Blobs } from './blobs.ts'

export const ROOT = 'root'
/** A folder or a file. `seq` gives the order in which items were made. */
export type Item = Row & {
  id: string
  seq: number
  type: 'folder' | 'file'
  name: string
  parentId: string | null
  sha256: string | null
  size: number | null
  mediaType: string | null
  externalId: string | null
  properties: Record<string, unknown>
  revision: number
  createdAt: number
  modifiedAt: number
}
export type Removed = Row & { id: string; name: string; removedAt: number }

const WRITABLE = {
  type: { type: 'option', options: ['folder', 'file'] },
  name: { type: 'text', required: true, max: 200, form: [/^[^/\\\0]+$/, 'may not hold / or \\'] },
  parent_id: { type: 'text' },
  media_type: { type: 'text', max: 120 },
  external_id: { type: 'text', max: 200 },
  properties: { type: 'object' },
  /** Another way to give name and folder; folders that are missing are made. */
  path: { type: 'text', form: [/^\/.*[^/]$/, 'must begin with / and name a file or folder'] },
} as const satisfies Fields

/** The tree of folders and files and its rules: names are unique within a folder, external ids everywhere. */
export class Shelf {
  readonly items: Table<Item>
  readonly removed: Table<Removed>
  readonly #store: Store
  readonly #blobs: Blobs
  #replaced: string[] = []

  constructor(store: Store, blobs: Blobs) {
    this.#store = store
    this.#blobs = blobs
    this.items = store.table<Item>('items')
    this.removed = store.table<Removed>('removed')
  }

  get(id: string): Item {
    const item = this.items.get(id)
    if (item === undefined) throw new Refusal(404, 'not_found', `There is no item ${id}`)
    return item
  }

  path(item: Item): string {
    if (item.id === ROOT) return '/'
    const parent = item.parentId === null ? undefined : this.items.get(item.parentId)
    return `${parent === undefined || parent.id === ROOT ? '' : this.path(parent)}/${item.name}`
  }

  create(input: Record<string, unknown>, at = Date.now()): Item {
    this.#validate(input, 'whole')
    const seq = this.#store.next('items')
    const item: Item = {
      id: seq === 1 ? ROOT : `itm_${seq.toString(36).padStart(6, '0')}`,
      seq,
      type: input.type === 'folder' ? 'folder' : 'file',
      name: String(input.name).normalize('NFC'),
      parentId: seq === 1 ? null : String(input.parent_id ?? ROOT),
      sha256: null,
      size: null,
      mediaType: (input.media_type as string | undefined) ?? null,
      externalId: (input.external_id as string | undefined) ?? null,
      properties: (input.properties as Record<string, unknown> | undefined) ?? {},
      revision: 1,
      createdAt: at,
      modifiedAt: at,
    }
    this.#refuseTaken(item)
    return this.items.put(item.id, item.type === 'file' ? { ...item, ...this.#blobs.put(Buffer.alloc(0)) } : item)
  }

  /** Renames, moves or describes an item. */
  change(id: string, input: Record<string, unknown>, ifMatch: string): Item {
    const before = this.get(id)
    this.#refuseStale(before, ifMatch)
    this.#validate(input, 'part')
    const place = typeof input.path === 'string' ? this.#placeOf(input.path) : input
    const after: Item = {
      ...before,
      ...(place.name !== undefined && { name: String(place.name).normalize('NFC') }),
      ...(place.parent_id !== undefined && { parentId: String(place.parent_id) }),
      ...(input.media_type !== undefined && { mediaType: input.media_type as string | null }),
      ...(input.external_id !== undefined && { externalId: input.external_id as string | null }),
      ...(input.properties !== undefined && {
        properties: { ...before.properties, ...(input.properties as object | null) },
      }),
      revision: before.revision + 1,
      modifiedAt: Date.now(),
    }
    this.#refuseTaken(after)
    return this.items.put(id, after)
  }

  /** Gives a file new bytes. */
  fill(id: string, blob: Blob, mediaType: string, ifMatch: string, at = Date.now()): Item {
    const before = this.get(id)
    if (before.type !== 'file') throw new Refusal(400, 'not_a_file', `${id} is a folder`)
    this.#refuseStale(before, ifMatch)
    const after = {
      ...before,
      ...blob,
      mediaType: mediaType || before.mediaType,
      revision: before.revision + 1,
      modifiedAt: at,
    }
    this.items.put(id, after)
    if (before.sha256 !== null) this.#replaced.push(before.sha256)
    return after
  }

  remove(id: string, ifMatch: string): void {
    const item = this.get(id)
    this.#refuseStale(item, ifMatch)
    if (this.items.find('parentId', id).length > 0) throw new Refusal(409, 'not_empty', 'The folder is not empty')
    if (id === ROOT) throw new Refusal(409, 'root', 'The root cannot be removed')
    this.items.delete(id)
    this.removed.put(id, { id, name: item.name, removedAt: Date.now() })
    if (item.sha256 !== null) this.#replaced.push(item.sha256)
  }

  /** The item at a path, or undefined; `create` makes missing folders on the way. */
  atPath(path: string): Item | undefined {
    let item: Item | undefined = this.get(ROOT)
    for (const name of namesOf(path)) item = item && this.#child(item.id, name)
    return item
  }

  #placeOf(path: string): { name: string; parent_id: string } {
    const names = namesOf(path)
    const name = names.pop() ?? ''
    return { name, parent_id: this.makeFolders(names.join('/')).id }
  }

  makeFolders(path: string): Item {
    let folder = this.get(ROOT)
    for (const name of namesOf(path))
      folder = this.#child(folder.id, name) ?? this.create({ type: 'folder', name, parent_id: folder.id })
    return folder
  }

  /** Deletes bytes nobody refers to any more; called once the change is saved, so that a kill leaves no file without bytes. */
  sweep(): void {
    for (const sha256 of this.#replaced.splice(0))
      if (this.items.find('sha256', sha256).length === 0) this.#blobs.delete(sha256)
  }

  #child(parentId: string, name: string): Item | undefined {
    return this.items.find('parentId', parentId).find((item) => item.name === name.normalize('NFC'))
  }

  #validate(input: Record<string, unknown>, completeness: Completeness): void {
    const problems = check(WRITABLE, input, completeness)
    const parent = input.parent_id
    if (typeof parent === 'string' && this.items.get(parent)?.type !== 'folder')
      problems.push({ field: 'parent_id', code: 'unknown', message: `There is no folder ${parent}` })
    if (problems.length > 0) throw new Refusal(400, 'invalid', 'The item was not saved', {}, problems)
  }

  #refuseTaken(item: Item): void {
    const sameName = item.parentId === null ? undefined : this.#child(item.parentId, item.name)
    const sameExternal = this.items.find('externalId', item.externalId)[0]
    for (const other of [sameName, sameExternal])
      if (other !== undefined && other.id !== item.id)
        throw new Refusal(409, 'exists', `${this.path(other)} (${other.id}) exists already`, { existing_id: other.id })
  }

  #refuseStale(item: Item, ifMatch: string): void {
    if (ifMatch !== '' && ifMatch !== '*' && ifMatch !== etag(item))
      throw new Refusal(412, 'stale', `The item is at ${etag(item)}`)
  }
}

export const etag = (item: Item): string => `"${item.id}-${item.revision}"`

function namesOf(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '')
  if (names.some((name) => name === '.' || name === '..'))
    throw new Refusal(400, 'bad_path', 'A path may not hold . or ..')
  return names
}
