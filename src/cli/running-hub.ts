import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What a running hub leaves in its data folder, so that commands find it. */
export type RunningHub = { url: string; pid: number; startedAt: string }

const FILE = 'hub.json'
const LOOK_MS = 10_000

/** Written beside and renamed, so that nobody reads half of it. For the owner only: it says where the token is good for. */
export async function announceHub(dataDir: string, hub: RunningHub): Promise<void> {
  const file = join(dataDir, FILE)
  const draft = `${file}.${hub.pid}`
  await writeFile(draft, `${JSON.stringify(hub)}\n`, { mode: 0o600 })
  await rename(draft, file)
}

/** Takes the announcement back, unless another hub has made its own meanwhile. */
export async function withdrawHub(dataDir: string, pid: number): Promise<void> {
  const announced = await readAnnouncement(dataDir)
  if (announced?.pid === pid) await rm(join(dataDir, FILE), { force: true })
}

/**
 * The hub that runs in this data folder, if it is alive and answers. One that was killed leaves its file behind. One that is too
 * busy to answer in time runs all the same: to open its ledger beside it, perhaps another one, would be the wrong answer.
 */
export async function findRunningHub(dataDir: string, lookMs = LOOK_MS): Promise<RunningHub | undefined> {
  const announced = await readAnnouncement(dataDir)
  if (!announced || !isAlive(announced.pid)) return undefined
  try {
    const answer = await fetch(`${announced.url}/livez`, { signal: AbortSignal.timeout(lookMs) })
    return answer.ok ? announced : undefined
  } catch (error) {
    return (error as Error).name === 'TimeoutError' ? announced : undefined
  }
}

async function readAnnouncement(dataDir: string): Promise<RunningHub | undefined> {
  try {
    const hub = JSON.parse(await readFile(join(dataDir, FILE), 'utf8')) as RunningHub
    return typeof hub.url === 'string' && Number.isSafeInteger(hub.pid) ? hub : undefined
  } catch {
    return undefined
  }
}

/** True while there is a process of this number. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Somebody else's process may not be signalled, but it is there.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
