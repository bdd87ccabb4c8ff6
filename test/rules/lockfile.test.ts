import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

test('the lock file names the builds for every platform, else `npm ci` refuses it', () => {
  const script = join(import.meta.dirname, '../../scripts/complete-lockfile.ts')
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
})
