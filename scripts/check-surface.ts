/**
 * Compares what people build upon with what it was at the last release: what is gone needs an entry in the changelog that names it,
 * and a new major version, before 1.0 a new minor one.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileAt, lastRelease, promiseOf } from './last-release.ts'
import { goneFrom, unmentioned } from './surface-changes.ts'

const root = join(import.meta.dirname, '..')
const FILE = 'docs/public-surface.txt'
const read = (file: string): string => readFileSync(join(root, file), 'utf8')

const release = lastRelease()
const before = release === undefined ? undefined : fileAt(release, FILE)
if (release === undefined || before === undefined)
  console.log('nothing was released with a surface yet: none is promised to anybody')
else {
  const gone = goneFrom(before.split('\n'), read(FILE).split('\n'))
  const silent = unmentioned(gone, read('CHANGELOG.md'), release.slice(1))
  for (const line of gone)
    console.log(`gone: ${line}${silent.includes(line) ? ' (CHANGELOG.md does not name it)' : ''}`)
  const { version } = JSON.parse(read('package.json')) as { version: string }
  const allowed = promiseOf(release.slice(1)) !== promiseOf(version)
  console.log(`${gone.length} lines of ${FILE} are gone since ${release}, version ${version}`)
  if (silent.length || (gone.length && !allowed)) process.exitCode = 1
}
