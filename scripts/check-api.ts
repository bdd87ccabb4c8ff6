/**
 * Compares the HTTP API with that of the last release (the newest tag `v…` that leads here): what would break its clients needs a
 * new major version, before 1.0 a new minor one.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ApiDocument, breakingChanges } from './api-changes.ts'

const root = join(import.meta.dirname, '..')
const FILE = 'docs/openapi.json'
const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' })

function lastRelease(): string | undefined {
  try {
    return git('describe', '--tags', '--abbrev=0', '--match', 'v[0-9]*').trim()
  } catch {
    return undefined
  }
}

const documentOf = (text: string) => JSON.parse(text) as ApiDocument & { info: { version: string } }
/** The part of a version that a breaking change has to raise. */
const promiseOf = (version: string): string => /^(0\.\d+|[1-9]\d*)/.exec(version)![1]!

const release = lastRelease()
if (release === undefined) console.log('nothing was released yet: no API is promised to anybody')
else {
  const before = documentOf(git('show', `${release}:${FILE}`))
  const after = documentOf(readFileSync(join(root, FILE), 'utf8'))
  const broken = breakingChanges(before, after)
  for (const change of broken) console.log(change)
  const allowed = promiseOf(before.info.version) !== promiseOf(after.info.version)
  console.log(
    `${broken.length} breaking changes since ${release}, version ${before.info.version} → ${after.info.version}`,
  )
  if (broken.length && !allowed) process.exitCode = 1
}
