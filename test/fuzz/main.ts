/**
 * Coverage-guided fuzzing of what reads input of others.
 *   npm run fuzz -- --minutes 60                  all targets, an equal share of the time each
 *   npm run fuzz -- --minutes 5 --target csv --seed 7
 * An input that does what none may do is kept in test/fuzz/corpus, where every run of the tests tries it from then on.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Random } from '../random.ts'
import { CORPUS, corpusOf } from './corpus.ts'
import { Coverage } from './coverage.ts'
import { fileNameOf, fuzz } from './loop.ts'
import { TARGETS } from './targets.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    target: { type: 'string' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
  },
})
const chosen = TARGETS.filter(({ name }) => values.target === undefined || values.target === name)
if (chosen.length === 0) throw new Error(`--target is one of ${TARGETS.map(({ name }) => name).join(', ')}.`)

let failed = 0
for (const target of chosen) {
  const coverage = new Coverage()
  await coverage.start()
  const end = Date.now() + (Number(values.minutes) * 60_000) / chosen.length
  const random = new Random(Number(values.seed))
  const { inputs, kept, found } = await fuzz(target, {
    corpus: corpusOf(target),
    random,
    coverage,
    until: () => Date.now() >= end,
  })
  coverage.stop()
  console.log(
    `${found ? 'FAIL' : 'ok  '} ${target.name.padEnd(9)} ${inputs} inputs, ${kept.length} reached something new, ${coverage.blocks} blocks, seed ${values.seed}`,
  )
  if (!found) continue
  failed++
  const file = join(CORPUS, target.name, fileNameOf(found.input))
  mkdirSync(join(CORPUS, target.name), { recursive: true })
  writeFileSync(file, found.input)
  console.log(`     ${found.error.stack}\n     kept as ${file}`)
}
console.log(`${chosen.length - failed} passed, ${failed} failed`)
process.exit(failed ? 1 : 0)
