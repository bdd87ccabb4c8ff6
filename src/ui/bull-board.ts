import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Plugin } from 'vite'

const PACKAGE = join(dirname(createRequire(import.meta.url).resolve('@bull-board/ui/package.json')), 'dist')

/**
 * Takes bull-board's page into ours: its files as they are, and their tags behind our own script. Not its index, which asks a server of Google
 * for fonts and has styles within its text.
 */
export const bullBoard = (): Plugin => ({
  name: 'bull-board',
  generateBundle() {
    for (const entry of readdirSync(join(PACKAGE, 'static'), { recursive: true, withFileTypes: true })) {
      const file = join(entry.parentPath, entry.name)
      if (!entry.isFile() || entry.name.endsWith('.map')) continue
      const fileName = join('board', file.slice(PACKAGE.length + 1)).replaceAll('\\', '/')
      this.emitFile({ type: 'asset', fileName, source: readFileSync(file) })
    }
  },
  transformIndexHtml: {
    order: 'post',
    handler: (html, { path }) => (path.endsWith('board.html') ? html.replace('</body>', `${tags()}</body>`) : html),
  },
})

function tags(): string {
  const index = readFileSync(join(PACKAGE, 'index.ejs'), 'utf8')
  const own = index.match(/<link href="static\/[^>]+>|<script defer src="static\/[^>]+><\/script>/g) ?? []
  if (own.length < 2) throw new Error('The index of bull-board names no files of its own.')
  return own.join('\n')
}
