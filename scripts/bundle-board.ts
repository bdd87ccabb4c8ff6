/**
 * Vite's settings for `dist/src/queue/board.js`: bull-board's half for servers goes into it, like the other half into the page. As a dependency it would
 * bring 8 MB, of which this needs a fraction, and TypeScript into every image (a peer of one of its dependencies).
 */
import { join } from 'node:path'
import { defineConfig } from 'vite'

const root = join(import.meta.dirname, '..')

export default defineConfig({
  root,
  publicDir: false,
  ssr: { noExternal: ['@bull-board/api', 'redis-info', 'lodash', 'valibot'], external: ['bullmq'] },
  build: {
    ssr: join(root, 'src/queue/board.ts'),
    outDir: join(root, 'dist/src/queue'),
    emptyOutDir: false,
    target: 'node24',
    rolldownOptions: { output: { entryFileNames: 'board.js', codeSplitting: false } },
  },
})
