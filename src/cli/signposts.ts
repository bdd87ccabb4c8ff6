/**
 * Where to look for a hub whose data folder is not the one that its hub folder names: one that was started with `--data-dir`, or with
 * CAUSEWAY_DATA_DIR in its environment only. It leaves word in the hub folder; what it is worth, the hub's own file in its data folder says.
 */
import { mkdir, readdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findRunningHub, isAlive, type RunningHub } from './running-hub.ts'

/** Nothing secret: whoever may read the hub folder may read this. */
type Signpost = { pid: number; dataDir: string; folder: string; environment: string | null }

/** In the folder that is nobody's to keep in git. Each hub has a file of its own, so that two never write the same one. */
const FOLDER = join('.causeway', 'hubs')
const ours = (environment: string | null | undefined): string | null => environment || null

/** Leaves word that the hub of this process keeps its data in `dataDir`. A folder that cannot be written is no reason not to start. */
export async function leaveSignpost(dir: string, dataDir: string): Promise<() => Promise<void>> {
  const file = join(dir, FOLDER, `${process.pid}.json`)
  try {
    await mkdir(join(dir, FOLDER), { recursive: true })
    await removeStale(dir)
    const post: Signpost = {
      pid: process.pid,
      dataDir,
      folder: await realpath(dir),
      environment: ours(process.env.CAUSEWAY_ENV),
    }
    await writeFile(`${file}.new`, `${JSON.stringify(post)}\n`, { mode: 0o644 })
    await rename(`${file}.new`, file)
  } catch {
    return async () => {}
  }
  return () => rm(file, { force: true })
}

/** Hubs of this folder and environment that run with their data elsewhere. Those that were killed are passed over. */
export async function followSignposts(dir: string): Promise<{ dataDir: string; running: RunningHub }[]> {
  const folder = await realpath(dir).catch(() => dir)
  const posts = (await readSignposts(dir)).filter(
    // A copy of a hub folder is another hub.
    (post) => post.folder === folder && post.environment === ours(process.env.CAUSEWAY_ENV) && isAlive(post.pid),
  )
  const looked = await Promise.all(
    posts.map(async ({ pid, dataDir }) => {
      const running = await findRunningHub(dataDir)
      // Else its number was given to another process, or another hub keeps its data there now.
      return running?.pid === pid ? [{ dataDir, running }] : []
    }),
  )
  return looked.flat()
}

async function removeStale(dir: string): Promise<void> {
  for (const { pid } of await readSignposts(dir))
    if (!isAlive(pid)) await rm(join(dir, FOLDER, `${pid}.json`), { force: true })
}

async function readSignposts(dir: string): Promise<Signpost[]> {
  const names = await readdir(join(dir, FOLDER)).catch(() => [])
  const posts = names
    .filter((name) => /^\d+\.json$/.test(name))
    .map(async (name) => {
      try {
        const post = JSON.parse(await readFile(join(dir, FOLDER, name), 'utf8')) as Signpost
        return post.pid === Number.parseInt(name, 10) && typeof post.dataDir === 'string' ? [post] : []
      } catch {
        return []
      }
    })
  return (await Promise.all(posts)).flat()
}
