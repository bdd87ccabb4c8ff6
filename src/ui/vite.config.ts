import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'
import { bullBoard } from './bull-board.ts'

/** The last tenth of what Brotli saves takes nine tenths of its time (6.2 s of 6.8 for all files), and `npm start` waits for it. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }

/** Puts compressed copies beside the files, so that the server sends them without working on them (preCompressed). */
const compressed = (): Plugin => ({
  name: 'compressed-copies',
  async writeBundle({ dir = '' }, bundle) {
    const compress = async (name: string): Promise<void> => {
      const bytes = await readFile(join(dir, name))
      await writeFile(join(dir, `${name}.gz`), await promisify(gzip)(bytes))
      await writeFile(join(dir, `${name}.br`), await promisify(brotliCompress)(bytes, BROTLI))
    }
    await Promise.all(
      Object.keys(bundle)
        .filter((file) => /\.(js|css)$/.test(file))
        .map(compress),
    )
  },
})

/**
 * Marks what home needs, so that browsers compile all of it while it arrives, on another thread, rather than function by function as each is first
 * called: that was a quarter of home's own work. V8 knows the mark since version 13.6 (https://v8.dev/blog/explicit-compile-hints), others
 * read a comment. It counts at the very beginning of a file only, hence after everything else.
 */
const compiledAhead = (): Plugin => ({
  name: 'compiled-ahead',
  generateBundle: {
    order: 'post',
    handler(_options, bundle) {
      const marked = new Set<string>()
      const mark = (name: string): void => {
        const chunk = bundle[name]
        if (chunk?.type !== 'chunk' || marked.has(name)) return
        marked.add(name)
        chunk.code = `//# allFunctionsCalledOnLoad\n${chunk.code}`
        chunk.imports.forEach(mark)
      }
      for (const chunk of Object.values(bundle))
        if (chunk.type === 'chunk' && chunk.facadeModuleId === HOME) mark(chunk.fileName)
    },
  },
})

const [HOME, BOARD] = ['index.html', 'board.html'].map((file) => join(import.meta.dirname, file)) as [string, string]

/** Builds the admin page. Everything it needs is in the bundle: hubs stand in networks without a way out. */
export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  plugins: [react(), bullBoard(), compiledAhead(), compressed()],
  // The server puts a fresh nonce in its place with every answer (src/http/page.ts).
  html: { cspNonce: '__CSP_NONCE__' },
  build: {
    outDir: join(import.meta.dirname, '../../dist/ui'),
    emptyOutDir: true,
    // The reference of the API and the editor are large, and read by whoever opens them only.
    chunkSizeWarningLimit: 2_000,
    rolldownOptions: { input: [HOME, BOARD], checks: { pluginTimings: false } },
    target: 'es2024',
    // Browsers that know the target know it.
    modulePreload: { polyfill: false },
    // Fonts and styles from `data:` are refused by our policy, so nothing is inlined.
    assetsInlineLimit: 0,
  },
})
