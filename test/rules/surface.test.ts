/** What people build upon stands in one file, and what is taken away from it has an entry in the changelog. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { publicSurface } from '../../scripts/public-surface.ts'
import { goneFrom, unmentioned } from '../../scripts/surface-changes.ts'

const ROOT = join(import.meta.dirname, '../..')
const kept = readFileSync(join(ROOT, 'docs/public-surface.txt'), 'utf8').trimEnd().split('\n')

test('the surface is the one that is kept: commands, flags, exit codes, outputs, settings, keys, metrics, errors', async () => {
  expect(await publicSurface()).toEqual(kept)
  const sample = [
    'command runs show <id>',
    'flag runs list --outcome <outcome>',
    'flag -o, --output <format>',
    'exit 5 config',
    'output runs.list',
    'setting metrics_port',
    'variable DATABASE_URL',
    'key mapping tests.[].given',
    'key connector auth.kind',
    'key hub connections.*.allow',
    'metric causeway_runs_total',
    'error CSW-1002',
  ]
  expect(sample.filter((line) => !kept.includes(line))).toEqual([])
})

test('what is gone since the release is named in the changelog, above that release', () => {
  const released = [
    'error CSW-1002',
    'flag runs list --outcome <outcome>',
    'metric causeway_runs_total',
    'key hub hub.port',
  ]
  const gone = goneFrom(released, ['error CSW-1002', 'flag runs list --outcome [outcome]', 'error CSW-9999'])
  expect(gone).toEqual(released.slice(1))
  const log = (above: string) =>
    `# Changelog\n\n## 1.1.0\n\n${above}\n\n## 1.0.0\n\n- \`causeway_runs_total\`, \`hub.port\`, \`--outcome\`\n`
  expect(unmentioned(gone, log('- Faster.'), '1.0.0')).toEqual(gone)
  expect(unmentioned(gone, log('- `--outcome` may be left empty; `hub.port` is gone.'), '1.0.0')).toEqual([
    'metric causeway_runs_total',
  ])
})
