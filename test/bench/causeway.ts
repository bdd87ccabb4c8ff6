/** Causeway on its embedded Postgres, everything durable: one full sync of the same records through a mapping file. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadingSmall } from '../../src/core/index.ts'
import { MAPPING } from './records.ts'
import { report } from './report.ts'

// As the command line does.
const { openHub } = await loadingSmall(() => import('../../src/assemble/index.ts'))
const { requestProgress } = await import('../../src/store/views/index.ts')

const base = process.argv[2]!
const folder = await mkdtemp(join(tmpdir(), 'causeway-bench-'))

await writeFolder(folder, base)
const hub = await openHub({
  dir: folder,
  role: 'all',
  flags: { log_level: 'warn', log_format: 'json', mapping_processes: Number(process.argv[3] ?? 1) },
})
try {
  // A hub is not started for each sync: its first schedules, sweeps and the start of its mapping process are behind it.
  await sleep(3_000)
  await report(async () => {
    const { requestId } = await hub.services.runSync('contacts', {
      full: true,
      trigger: 'bench',
      actor: { name: 'bench', reason: null },
    })
    for (;;) {
      // What a person asks for is dearer than this: it counts what is left.
      const { rowCount } = await hub.pool.query("select 1 from run where outcome = 'running' limit 1")
      const progress = rowCount ? null : await requestProgress(hub.pool, { sync: 'contacts', requestId })
      if (progress?.state === 'finished') {
        if (progress.outcome !== 'success')
          throw new Error(`the run ended as ${progress.outcome}: ${JSON.stringify(progress)}`)
        return
      }
      await sleep(10)
    }
  })
} finally {
  await hub.close()
  await rm(folder, { recursive: true, force: true })
}

async function writeFolder(dir: string, url: string): Promise<void> {
  await mkdir(join(dir, 'connectors/bench'), { recursive: true })
  await mkdir(join(dir, 'mappings'))
  const address = new URL(url).hostname
  await writeFile(
    join(dir, 'causeway.yaml'),
    `connections:\n  bench:\n    connector: bench\n    settings: { url: "${url}" }\n    allow: ["${address}"]\n`,
  )
  await writeFile(
    join(dir, 'connectors/bench/connector.yaml'),
    `language: 1
name: bench
title: Bench
description: Source and target of the bench.
protocol: rest
settings:
  url: { type: url, required: true, title: Address, description: Where the bench servers are }
base_url: \${ settings.url }
auth: { kind: none }
streams:
  contacts:
    title: Contacts
    key: record.id
    version: { value: record.updated_at, type: timestamp }
    read:
      path: /contacts
      query: { limit: "\${ page.size }", after: "\${ cursor }" }
      records: response.data
      page_size: 100
      paging: { kind: cursor, next: response.paging.next }
  customers:
    title: Customers
    key: record.id
    write:
      create:
        batch:
          size: 100
          path: /customers/batch
          item: \${ values }
          body: { items: "\${ items }" }
          results: response.results
          id: result.id
`,
  )
  const fields = Object.entries(MAPPING).map(([field, expression]) => `  ${field}: ${JSON.stringify(expression)}`)
  await writeFile(
    join(dir, 'mappings/contacts.yaml'),
    `from: bench:contacts\nto: bench:customers\nmode: create-only\nmap:\n${fields.join('\n')}\nschedule: manual\n`,
  )
}
