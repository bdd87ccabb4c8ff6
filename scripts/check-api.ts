/**
 * Compares the HTTP API with that of the last release (the newest tag `v…` that leads here): what would break its clients needs a
 * new major version, before 1.0 a new minor one.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ApiDocument, breakingChanges } from './api-changes.ts'
import { fileAt, lastRelease, promiseOf } from './last-release.ts'

const root = join(import.meta.dirname, '..')
const FILE = 'docs/openapi.json'

const documentOf = (text: string) => JSON.parse(text) as ApiDocument & { info: { version: string } }

const release = lastRelease()
if (release === undefined) console.log('nothing was released yet: no API is promised to anybody')
else {
  const before = documentOf(fileAt(release, FILE)!)
  const after = documentOf(readFileSync(join(root, FILE), 'utf8'))
  const broken = breakingChanges(before, after)
  for (const change of broken) console.log(change)
  const allowed = promiseOf(before.info.version) !== promiseOf(after.info.version)
  console.log(
    `${broken.length} breaking changes since ${release}, version ${before.info.version} → ${after.info.version}`,
  )
  if (broken.length && !allowed) process.exitCode = 1
}
