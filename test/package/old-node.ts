import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/**
 * An older Node of this machine, else the present one that says it is older: that still shows the check, though not that an
 * older Node can read the file with the check.
 */
export function oldNode(): { path: string; arguments: string[] } {
  const candidates = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin'].map((folder) =>
    join(folder, 'node'),
  )
  const path = candidates.find((file) => existsSync(file) && majorOf(file) < 24)
  if (path) return { path, arguments: [] }
  const lie = `Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.0.0"}})`
  return { path: process.execPath, arguments: ['--import', `'data:text/javascript,${encodeURIComponent(lie)}'`] }
}

function majorOf(file: string): number {
  return Number(execFileSync(file, ['--print', 'process.versions.node.split(".")[0]'], { encoding: 'utf8' }))
}
