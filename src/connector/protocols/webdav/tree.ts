/** One stream's collection: listing, walking, and finding resources by path or file id. */
import { CausewayError, type JsonObject } from '../../../core/index.ts'
import { bodyOf } from './body.ts'
import type { CallOptions, WebDavClient } from './client.ts'
import type { Resource } from './multistatus.ts'
import { folderOf, pathOf, type Root, urlOf } from './paths.ts'

export type Found = { path: string; resource: Resource; body: JsonObject }
/** Resources of some collections. `strays` are hrefs that lie elsewhere or cannot be decoded. */
export type Listing = { found: Found[]; strays: string[]; requestedAt: Date }

/** From this many wanted paths in one folder on, one listing of the folder is cheaper than asking for each. */
const LIST_FROM = 4

export class Tree {
  readonly root: Root
  readonly identity: 'path' | 'fileid'
  private readonly client: WebDavClient
  private readonly items: 'files' | 'folders'

  constructor(client: WebDavClient, root: Root, items: 'files' | 'folders', identity: 'path' | 'fileid') {
    this.client = client
    this.root = root
    this.items = items
    this.identity = identity
  }

  /**
   * Visits every collection below the root, several at a time. Depth infinity would be one call, but servers refuse it (403)
   * or take it as an attack. A collection that vanishes meanwhile ends the walk: what it held may have moved to a place that
   * was visited before, and would be taken for deleted.
   */
  async *walk(options: CallOptions): AsyncGenerator<Listing> {
    const open = ['']
    const visited = new Set<string>()
    while (open.length) {
      const folders = open.splice(-this.client.concurrent).filter((folder) => !visited.has(folder))
      for (const folder of folders) visited.add(folder)
      const answers = await Promise.all(folders.map((folder) => this.members(folder, options)))
      for (const [i, answer] of answers.entries()) {
        if (!answer) throw this.vanished(folders[i]!)
        for (const { path, resource } of answer.all) if (resource.isFolder) open.push(path)
        yield {
          found: answer.all.filter(({ resource }) => this.isItem(resource)),
          strays: answer.strays,
          requestedAt: answer.requestedAt,
        }
      }
    }
  }

  /** The wanted resources by path; what is not there is missing from the answer. */
  async byPath(paths: string[], options: CallOptions): Promise<Map<string, Found>> {
    const found = new Map<string, Found>()
    const groups = Map.groupBy(new Set(paths), folderOf)
    const jobs = [...groups].flatMap(([folder, wanted]) =>
      wanted.length >= LIST_FROM
        ? [async () => (await this.members(folder, options))?.all ?? []]
        : wanted.map((path) => async () => this.single(path, options)),
    )
    const wanted = new Set(paths)
    for (const list of await inTurns(jobs, this.client.concurrent))
      for (const item of list) if (wanted.has(item.path) && this.isItem(item.resource)) found.set(item.path, item)
    return found
  }

  /** Where resources with these file ids are now. No standard query finds them, so the tree is walked until all are found. */
  async byFileId(ids: string[], options: CallOptions): Promise<Map<string, Found>> {
    const missing = new Set(ids)
    const found = new Map<string, Found>()
    for await (const listing of this.walk(options)) {
      for (const item of listing.found)
        if (item.resource.fileId && missing.delete(item.resource.fileId)) found.set(item.resource.fileId, item)
      if (missing.size === 0) break
    }
    return found
  }

  byId(ids: string[], options: CallOptions): Promise<Map<string, Found>> {
    return this.identity === 'path' ? this.byPath(ids, options) : this.byFileId(ids, options)
  }

  urlOf(path: string): string {
    return urlOf(this.root, path, this.items === 'folders' ? 'folder' : 'file')
  }

  private async single(path: string, options: CallOptions): Promise<Found[]> {
    const answer = await this.client.list(this.urlOf(path), 0, options)
    return answer ? this.sorted(answer.resources).all : []
  }

  /** The members of a collection, without itself. */
  private async members(folder: string, options: CallOptions) {
    const answer = await this.client.list(urlOf(this.root, folder, 'folder'), 1, options)
    if (!answer) return null
    const { all, strays } = this.sorted(answer.resources)
    // Only direct members: a server that answers more would make us visit collections twice.
    const direct = all.filter(({ path }) => path !== folder && folderOf(path) === folder)
    return { all: direct, strays, requestedAt: answer.requestedAt }
  }

  private sorted(resources: Resource[]): { all: Found[]; strays: string[] } {
    const all: Found[] = []
    const strays: string[] = []
    for (const resource of resources) {
      const path = pathOf(this.root, resource.href)
      if (path === null) strays.push(resource.href)
      else all.push({ path, resource, body: bodyOf(resource, path, this.identity) })
    }
    return { all, strays }
  }

  private isItem(resource: Resource): boolean {
    return resource.isFolder === (this.items === 'folders')
  }

  private vanished(folder: string): CausewayError {
    if (folder === '') return new CausewayError('CSW-3014', { what: 'The collection of the stream does not exist.' })
    return new CausewayError('CSW-2055', {
      what: `The folder ${JSON.stringify(folder)} vanished while the tree was read.`,
    })
  }
}

/** Runs jobs, so many at a time; results in the order of the jobs. */
export async function inTurns<T>(jobs: (() => Promise<T>)[], width: number): Promise<T[]> {
  const results: T[] = new Array(jobs.length)
  const queue = jobs.entries()
  const worker = async () => {
    for (const [i, job] of queue) results[i] = await job()
  }
  await Promise.all(Array.from({ length: Math.min(width, jobs.length) }, worker))
  return results
}
