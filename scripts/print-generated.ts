/** Prints everything that is made from the code, or with `--check` says what is out of date and how to mend it. */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const PRINTER = /^(print-.*|connector-language)\.ts$/
const check = process.argv.includes('--check')
const printers = readdirSync(import.meta.dirname).filter((name) => PRINTER.test(name) && name !== 'print-generated.ts')
let stale = 0
for (const printer of printers) {
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, printer), ...(check ? ['--check'] : [])], {
    stdio: 'inherit',
  })
  if (status !== 0) stale++
}
if (stale) {
  console.error(
    `${stale} of ${printers.length} generated files are out of date: run \`npm run generate\` and commit the result.`,
  )
  process.exitCode = 1
}
