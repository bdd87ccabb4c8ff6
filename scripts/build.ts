/**
 * Builds into `dist/` what the package needs and a checkout does not: JavaScript, because Node strips no types below
 * node_modules, and the admin page. Everything else (connectors, template) is shipped as it is.
 *   node scripts/build.ts         all of it, from nothing
 *   node scripts/build.ts page    the page, unless it is newer than its sources; `npm start` does this
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { billOfMaterials } from './sbom.ts'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')
const page = join(dist, 'ui/index.html')
const pageSources = join(root, 'src/ui')

if (process.argv[2] === 'page') {
  if (isStale()) buildPage()
} else {
  rmSync(dist, { recursive: true, force: true })
  run('tsc', '-p', 'tsconfig.build.json')
  run('tsc', '-p', 'tsconfig.types.json')
  run('vite', 'build', '--config', join(root, 'scripts/bundle-board.ts'), '--logLevel', 'warn')
  cpSync(join(root, 'src/store/migrations'), join(dist, 'src/store/migrations'), { recursive: true })
  buildPage()
  writeFileSync(join(dist, 'sbom.cdx.json'), `${JSON.stringify(billOfMaterials(), null, 2)}\n`)
}

function run(program: string, ...args: string[]): void {
  const shell = process.platform === 'win32'
  const { status } = spawnSync(join(root, 'node_modules/.bin', program), args, { cwd: root, stdio: 'inherit', shell })
  if (status !== 0) process.exit(status ?? 1)
}

function buildPage(): void {
  run('vite', 'build', '--config', join(pageSources, 'vite.config.ts'), '--logLevel', 'warn')
}

function isStale(): boolean {
  if (!existsSync(page)) return true
  const built = statSync(page).mtimeMs
  const sources = readdirSync(pageSources, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const files = [...sources.map(({ parentPath, name }) => join(parentPath, name)), join(root, 'package-lock.json')]
  return files.some((file) => statSync(file).mtimeMs > built)
}
