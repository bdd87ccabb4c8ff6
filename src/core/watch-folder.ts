import { type FSWatcher, readdirSync, watch } from 'node:fs'
import { join, relative, sep } from 'node:path'

/** Folders that hold nothing a person edits as a part of the hub. */
const PASSED_OVER = /^(\..*|node_modules)$/

/**
 * Tells of every file below a folder that is written, replaced or removed, by its path from there; hidden folders and
 * node_modules are left out. Each folder is watched by itself: the recursive watch of Node on Linux follows the file rather than
 * its name, and no longer sees it after an editor has put a new file in its place. A folder that is not there is not watched.
 */
export function watchFolder(dir: string, changed: (file: string) => void): { close(): void } {
  const watchers = new Map<string, FSWatcher>()
  /** With all folders below it. */
  const forget = (folder: string): void => {
    for (const [path, watcher] of watchers) {
      if (path !== folder && !path.startsWith(`${folder}${sep}`)) continue
      watcher.close()
      watchers.delete(path)
    }
  }
  /** False for what is no folder, or is there no more. */
  const add = (folder: string, isNew: boolean): boolean => {
    if (watchers.has(folder)) return false
    let entries: ReturnType<typeof listed>
    try {
      entries = listed(folder)
      const watcher = watch(folder, (event, name) => {
        if (name === null || PASSED_OVER.test(name)) return
        const path = join(folder, name)
        // Another folder may have the name by now.
        if (event === 'rename') forget(path)
        if (!add(path, true)) changed(relative(dir, path))
      })
      watchers.set(
        folder,
        watcher.on('error', () => forget(folder)),
      )
    } catch {
      forget(folder)
      return false
    }
    for (const entry of entries) {
      const path = join(folder, entry.name)
      if (entry.isDirectory() && !PASSED_OVER.test(entry.name)) add(path, isNew)
      // What came with its folder has no event of its own.
      else if (isNew) changed(relative(dir, path))
    }
    return true
  }
  add(dir, false)
  return {
    close: () => forget(dir),
  }
}

const listed = (folder: string) => readdirSync(folder, { withFileTypes: true })
