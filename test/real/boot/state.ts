import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import path from 'node:path'

/** Where seeded states are kept between runs. Below the temporary folder, because www-data must be able to reach it. */
const cacheRoot = (): string =>
  process.env.CAUSEWAY_REAL_CACHE ?? path.join(tmpdir(), `causeway-real-cache-${userInfo().username}`)

/** A fresh folder for one run; 755, because Apache enters it as www-data. */
export function runFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'causeway-real-'))
  chmodSync(folder, 0o755)
  return folder
}

/**
 * The folder with the seeded state of a system, made by `build` when it is not there yet. The key covers the sources that
 * make the data and the version of the server, so a changed seed never meets an old database. Built aside and renamed: a
 * run that dies half-way leaves nothing that looks finished, and of two builders the slower throws its own away.
 */
export async function seededState(
  system: string,
  sources: string[],
  version: string,
  build: (folder: string) => Promise<void>,
): Promise<string> {
  const key = createHash('sha256').update(version)
  for (const file of sources) key.update(readFileSync(file))
  const finished = path.join(cacheRoot(), `${system}-${key.digest('hex').slice(0, 16)}`)
  if (existsSync(finished)) return finished
  mkdirSync(cacheRoot(), { recursive: true })
  const draft = mkdtempSync(`${finished}.draft-`)
  try {
    await build(draft)
    renameSync(draft, finished)
  } catch (error) {
    if (!existsSync(finished)) throw error
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
  return finished
}
