/** Prints `docs/public-surface.txt`, so that whoever changes what people build upon sees it; with `--check` fails when it is out of date. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { publicSurface } from './public-surface.ts'

const FILE = join(import.meta.dirname, '../docs/public-surface.txt')
const text = `${(await publicSurface()).join('\n')}\n`

if (process.argv.includes('--check')) {
  if (!existsSync(FILE) || readFileSync(FILE, 'utf8') !== text) {
    console.error('docs/public-surface.txt is out of date: run `npm run generate`.')
    process.exitCode = 1
  }
} else writeFileSync(FILE, text)
