import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' })

/** The newest tag `v…` that leads here; undefined where nothing was released yet, or the history is not there. */
export function lastRelease(): string | undefined {
  try {
    return git('describe', '--tags', '--abbrev=0', '--match', 'v[0-9]*').trim()
  } catch {
    return undefined
  }
}

/** A file as it stood then; undefined where it was not there yet. */
export function fileAt(release: string, file: string): string | undefined {
  try {
    return git('show', `${release}:${file}`)
  } catch {
    return undefined
  }
}

/** The part of a version that a breaking change has to raise. */
export const promiseOf = (version: string): string => /^(0\.\d+|[1-9]\d*)/.exec(version)![1]!
