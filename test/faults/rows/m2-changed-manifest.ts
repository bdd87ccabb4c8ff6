import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Row } from '../rig/row.ts'
import { sleep, until } from '../rig/waiting.ts'

export const row: Row = {
  id: 'M2',
  title: 'a file that changes during a run',
  holds: ['I12'],
  promise:
    'A mapping that is changed or broken during a run does not touch it: the version that was read works on, and each run names its version.',
  method:
    'The mapping file is swapped for another, then for a broken one, while a run pushes; processes started afterwards take the new one or refuse.',
  queue: false,
  world: { batch: true, lanes: 1 },
  async run(world, check, { short }) {
    const { hub, source, target, pool } = world
    const file = join(world.folder, 'hub/mappings/contacts.yaml')
    const text = await readFile(file, 'utf8')
    source.fill(short ? 500 : 3_000)
    target.delayMs = 100
    await world.start(1)
    await hub.api('POST', '/syncs/contacts/run', { full: true })
    await until(
      'it pushes',
      () => target.creates,
      (count) => count > 0,
      30_000,
    )
    await writeFile(file, text.replace('name: name', `name: '"new " & name'`))
    await sleep(300)
    await writeFile(file, `${text}\nnonsense: [`)
    await world.settle(check, 90_000, { pulls: true })
    check.equal(
      'renamed by the new file',
      [...target.customers.values()].filter(({ name }) => String(name).startsWith('new ')).length,
      0,
    )
    const versions = await pool.query<{ mapping_version: string }>(
      `select distinct mapping_version from run where kind = 'push' and mapping_version is not null`,
    )
    check.equal('versions named by runs', versions.rowCount ?? 0, 1)
    const refused = await hub.work().then(
      () => '',
      (error: Error) => error.message,
    )
    check.equal('a process on the broken file refuses', /contacts\.yaml/.test(refused), true)
    for (const program of hub.workers) program.told = true
    await writeFile(file, text.replace('name: name', `name: '"new " & name'`))
    await hub.work()
  },
}
