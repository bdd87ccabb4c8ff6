/** A resource as a record's body. */
import type { JsonObject } from '../../../core/index.ts'
import type { Resource } from './multistatus.ts'
import { folderOf, nameOf } from './paths.ts'

/**
 * The body of a resource. ETags are shown without the weak mark: Apache gives a file of the last second a weak one and
 * turns it strong a second later, which is no change of the file. `creationdate` is left out: with Apache it is the inode's
 * change time, so that a chmod would look like a change of every document.
 */
export function bodyOf(resource: Resource, path: string, identity: 'path' | 'fileid'): JsonObject {
  return {
    id: identity === 'path' ? path : resource.fileId,
    path,
    name: nameOf(path),
    folder: folderOf(path),
    size: resource.size === null || !/^\d{1,15}$/.test(resource.size) ? null : Number(resource.size),
    media_type: resource.mediaType,
    modified: isoOf(resource.modified),
    etag: resource.etag?.replace(/^W\//, '') ?? null,
    // Only where there is one: the documents of all other servers would look changed.
    ...(resource.resourceId === null ? {} : { resource_id: resource.resourceId }),
  }
}

/** HTTP dates and ISO times in one form; null where there is none. Whole seconds, as WebDAV has them. */
function isoOf(text: string | null): string | null {
  const ms = text === null ? Number.NaN : Date.parse(text)
  return Number.isNaN(ms) ? null : new Date(ms).toISOString().replace('.000Z', 'Z')
}
