#!/usr/bin/env node
// Plain JavaScript that old Node versions can read: the check must come before any file they cannot load.
import { existsSync, readFileSync } from 'node:fs'
import module from 'node:module'
import { join } from 'node:path'

// 24.7 brought argon2, by which passwords are kept.
const NEEDED = '24.7'
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 7)) {
  process.stderr.write(
    `Causeway needs Node ${NEEDED} or newer and this is ${process.version}: install it (https://nodejs.org), or in a checkout run \`npm ci\` and start through \`npm start\` or \`npm exec causeway\`.\n`,
  )
  process.exitCode = 2
} else if (process.argv.length === 3 && (process.argv[2] === '--version' || process.argv[2] === '-V')) {
  // Before anything is loaded: scripts and shells ask for the version often.
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  process.stdout.write(`${version}\n`)
} else {
  // Compiled code is kept between calls, which makes a command start in a quarter of the time. In a folder of this user:
  // what lies in a shared one could have been put there by somebody else.
  const { XDG_CACHE_HOME, HOME } = process.env
  const cache = XDG_CACHE_HOME || (HOME && join(HOME, '.cache'))
  if (cache) module.enableCompileCache(join(cache, 'causeway', 'compiled'))

  // A checkout has the sources, which Node runs as they are; under node_modules it does not strip types, so the package
  // carries a build.
  const source = new URL('../src/cli/main.ts', import.meta.url)
  const inPackage = import.meta.url.includes('/node_modules/') || !existsSync(source)
  const { main } = await import(inPackage ? '../dist/src/cli/main.js' : '../src/cli/main.ts')
  process.exitCode = await main(process.argv.slice(2))
}
