/** Two versions on one ledger: what runs goes on, what starts refuses, and `/readyz` tells a ledger that is of a former version. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openHub } from '../../src/assemble/index.ts'
import { createLogger } from '../../src/core/index.ts'
import { freshDatabase } from '../postgres.ts'

const logger = createLogger({ level: 'silent', destination: process.stderr })

test('a process of the former version stays ready beside a newer ledger, and is refused when it starts anew', async () => {
  const { pool, url } = await freshDatabase()
  const dir = await mkdtemp(join(tmpdir(), 'causeway-upgrade-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  await writeFile(join(dir, 'causeway.yaml'), 'hub: {}\n')
  const open = () => openHub({ dir, role: 'serve', env: { CAUSEWAY_DATABASE_URL: url }, logger })
  const hub = await open()
  try {
    const checks = async () => (await hub.services.readiness()).map(({ name, ok }) => [name, ok])
    const ready = [
      ['database', true],
      ['migrations', true],
      ['queue', true],
    ]
    expect(await checks()).toEqual(ready)
    await pool.query(`insert into migration (number, name, hash) values (9999, 'of_the_next_version', 'x')`)
    expect(await checks()).toEqual(ready)
    await expect(open()).rejects.toMatchObject({ code: 'CSW-6002', message: expect.stringContaining('9999') })
    // Somebody put an older dump in its place.
    await pool.query(
      'delete from migration where number = 9999 or number = (select max(number) from migration where number < 9999)',
    )
    expect(await checks()).toEqual([ready[0], ['migrations', false], ready[2]])
  } finally {
    await hub.close()
  }
})
