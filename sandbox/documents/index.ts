import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Answer, RateLimit, Refusal, type StandIn } from '../http/index.ts'
import { Store } from '../state/index.ts'
import type { Random, World } from '../world/index.ts'
import { Blobs } from './blobs.ts'
import { routes } from './routes.ts'
import { seedDocuments } from './seed.ts'
import { Shelf } from './shelf.ts'

export type DocumentsOptions = { folder: string | null; world: World; token: string }

/** A document store in the manner of Box and OneDrive: folders and files, raw uploads with ETags, ranges, a bin. */
export function createDocuments({ folder, world, token }: DocumentsOptions): StandIn {
  const ownFolder = folder ?? mkdtempSync(join(tmpdir(), 'sandbox-documents-'))
  const store = new Store('documents', folder)
  const blobs = new Blobs(join(ownFolder, 'blobs'))
  const shelf = new Shelf(store, blobs)
  store.start(() => seedDocuments(shelf, blobs, world))
  return {
    name: 'documents',
    store,
    router: routes(shelf, blobs),
    limit: new RateLimit(200, 1000),
    authorise(call) {
      if (call.header('authorization') !== `Bearer ${token}`)
        throw new Refusal(401, 'unauthorized', 'The token is not valid')
    },
    refuse,
    stamp: (_table, row) => ({ ...row, revision: Number(row.revision ?? 0) + 1, modifiedAt: Date.now() }),
    tick: (random) => tick(random, shelf, blobs),
    committed: () => shelf.sweep(),
    close: async () => {
      if (folder === null) rmSync(ownFolder, { recursive: true, force: true })
    },
  }
}

/** Somebody edits a file, seldom one is added, very seldom one is thrown away. */
function tick(random: Random, shelf: Shelf, blobs: Blobs): void {
  const texts = [...shelf.items.rows()].filter((item) => item.mediaType === 'text/markdown')
  if (texts.length === 0) return
  const file = random.pick(texts)
  const text = (note: string) => blobs.put(Buffer.from(`# ${file.name}\n\n${note} ${new Date().toISOString()}\n`))
  if (random.chance(0.5)) shelf.fill(file.id, text('Zmieniono / geändert'), 'text/markdown', '')
  if (random.chance(0.1) && texts.length < 1000) {
    const name = `Note ${Date.now().toString(36)}-${random.digits(3)}.md`
    const added = shelf.create({ name, parent_id: file.parentId, media_type: 'text/markdown' })
    shelf.fill(added.id, text('Nowa notatka'), 'text/markdown', '')
  }
  if (random.chance(0.03) && texts.length > 80) shelf.remove(random.pick(texts).id, '')
}

function refuse(refusal: Refusal): Answer {
  const { waitMs, existing_id } = refusal.details
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' }
  // An HTTP date instead of seconds, which is allowed and often forgotten.
  if (typeof waitMs === 'number') headers['retry-after'] = new Date(Date.now() + Math.max(1000, waitMs)).toUTCString()
  return {
    status: refusal.status,
    headers,
    json: {
      type: 'about:blank',
      title: refusal.code,
      status: refusal.status,
      detail: refusal.message,
      ...(existing_id !== undefined && { existing_id }),
      ...(refusal.problems.length > 0 && {
        errors: refusal.problems.map(({ field, message }) => ({ pointer: `/${field}`, detail: message })),
      }),
    },
  }
}
