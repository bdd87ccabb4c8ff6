import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Row } from '../rig/row.ts'

const BIN = join(import.meta.dirname, '../../../bin/causeway.mjs')

/** Loaded into each process: how much of a processor it took, which a busy machine does not change. */
const METER = `
import { appendFileSync } from 'node:fs'
process.on('exit', () => {
  const { user, system } = process.cpuUsage()
  appendFileSync(process.env.RIG_CPU, (user + system) / 1_000 + '\\n')
})
`

const bomb = (): string => {
  const names = 'abcdefghij'
  return [...names]
    .map(
      (name, i) =>
        `${name}: &${name} ${
          i
            ? `[${Array(9)
                .fill(`*${names[i - 1]}`)
                .join(', ')}]`
            : '[x]'
        }`,
    )
    .join('\n')
}

const HOSTILE: Record<string, () => string> = {
  'alias bomb': bomb,
  cycle: () => 'a: &a [*a]\n',
  'ten megabytes': () => `language: 1\ntitle: "${'x'.repeat(10 * 1024 * 1024)}"\n`,
  'deep nesting': () => `a: ${'['.repeat(50_000)}${']'.repeat(50_000)}\n`,
  'deep blocks': () => Array.from({ length: 3_000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
  'as many keys as pass': () => Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`).join('\n'),
  'many keys': () => Array.from({ length: 100_000 }, (_, i) => `k${i}: 1`).join('\n'),
  'bytes of no text': () => '\u0000\u0001\ufffe: 1',
}

export const row: Row = {
  id: 'M1',
  title: 'a hostile manifest',
  holds: ['I7'],
  promise: 'Whatever stands in a connector file, it is refused soon and with its place.',
  method:
    'Alias bomb, cycle, 10 MB, deep nesting, a hundred thousand keys: `validate` says where, within a second of processor time beyond its start.',
  queue: false,
  async run(world, check) {
    const dir = join(world.folder, 'hub')
    const file = join(dir, 'connectors/source/connector.yaml')
    const meter = join(world.folder, 'meter.mjs')
    const measured = join(world.folder, 'cpu')
    await writeFile(meter, METER)
    const validate = () => {
      rmSync(measured, { force: true })
      const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, '-C', dir, 'validate'], {
        encoding: 'utf8',
        timeout: 300_000,
        env: {
          ...process.env,
          NO_COLOR: '1',
          RIG_SECRET: 'x'.repeat(20),
          RIG_FORMER: 'y'.repeat(20),
          NODE_OPTIONS: `--import=${meter}`,
          RIG_CPU: measured,
        },
      })
      const spent = readFileSync(measured, 'utf8').trim().split('\n').map(Number)
      return { status, output: stdout + stderr, ms: spent.reduce((sum, one) => sum + one, 0) }
    }
    const sound = readFileSync(file)
    const good = validate()
    check.equal('exit code of the good one', good.status ?? -1, 0)
    for (const [name, make] of Object.entries(HOSTILE)) {
      await writeFile(file, make())
      const { status, output, ms } = validate()
      check.equal(`${name}: exit code`, status ?? -1, 5)
      check.within(name, ms - good.ms, 1_000)
      check.equal(`${name}: has a place`, /connector\.yaml(:\d+)?/.test(output), true)
    }
    await writeFile(file, sound)
  },
}
