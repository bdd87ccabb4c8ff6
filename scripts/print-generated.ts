/** Prints everything that is made from the code, or with `--check` says what is out of date and how to mend it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const PRINTER = /^(print-.*|connector-language)\.ts$/
const check = process.argv.includes('--check')
const printers = readdirSync(import.meta.dirname).filter((name) => PRINTER.test(name) && name !== 'print-generated.ts')
// Where the tests of the command line look for compiled code: after a clean install its first dozen starts would each compile all.
const cache = join(import.meta.dirname, '../node_modules/.cache/causeway/compiled')
const env = { ...process.env, NODE_COMPILE_CACHE: cache }
let stale = 0
// Two at a time: each is a process that does nothing but count on one core.
const next = async (): Promise<void> => {
  for (let printer = printers.shift(); printer !== undefined; printer = printers.shift()) {
    const file = join(import.meta.dirname, printer)
    const child = spawn(process.execPath, [file, ...(check ? ['--check'] : [])], { stdio: 'inherit', env })
    const [status] = await once(child, 'exit')
    if (status !== 0) stale++
  }
}
const all = printers.length
await Promise.all([next(), next()])
if (stale) {
  console.error(`${stale} of ${all} generated files are out of date: run \`npm run generate\` and commit the result.`)
  process.exitCode = 1
}
