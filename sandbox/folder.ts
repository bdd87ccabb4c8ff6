import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const heldHere = new Set<string>()

/** Takes the data folder for this process; two writers would spoil each other's files. Gives back how to release it. */
export function takeFolder(folder: string): () => void {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'sandbox.pid')
  const holder = existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0
  // In a container every start may have the same process id, so our own id on a file we did not write is a leftover.
  if (heldHere.has(path) || (holder !== process.pid && isAlive(holder)))
    throw new Error(`The sample systems in ${folder} are running already (process ${holder}). Stop that one first.`)
  writeFileSync(path, String(process.pid))
  heldHere.add(path)
  return () => {
    heldHere.delete(path)
    rmSync(path, { force: true })
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The ports of the last start, so that addresses kept elsewhere stay right. */
export function readPorts(folder: string): Record<string, number> {
  try {
    return JSON.parse(readFileSync(join(folder, 'ports.json'), 'utf8')) as Record<string, number>
  } catch {
    // None yet, or half written by a crash of the very first start: the default ports will do.
    return {}
  }
}

export function writePorts(folder: string, ports: Record<string, number>): void {
  const path = join(folder, 'ports.json')
  writeFileSync(`${path}.new`, JSON.stringify(ports))
  renameSync(`${path}.new`, path)
}
