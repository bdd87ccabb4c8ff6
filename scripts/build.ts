/**
 * Builds what the package needs and a checkout does not: JavaScript, because Node strips no types below node_modules, and the
 * admin page. Everything else (migrations, connectors) is shipped as it is.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const run = (program: string, ...args: string[]): void => {
  execFileSync(join(root, 'node_modules/.bin', program), args, { cwd: root, stdio: 'inherit' })
}

const only = process.argv[2]
if (only !== 'page') {
  rmSync(join(root, 'dist/src'), { recursive: true, force: true })
  run('tsc', '-p', 'tsconfig.build.json')
  for (const folder of ['src/store/migrations'])
    cpSync(join(root, folder), join(root, 'dist', folder), { recursive: true })
}
if (existsSync(join(root, 'src/ui/index.html'))) run('vite', 'build', '--config', 'src/ui/vite.config.ts')
