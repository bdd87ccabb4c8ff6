import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export type TwoWayFolder = {
  leftUrl: string
  rightUrl: string
  /** Lines of the mapping file: who wins which conflict. */
  conflict?: string
}

/** Fields that both systems know. What happens to which is the business of the rows. */
export const BOTH = ['name', 'phone', 'city', 'notes', 'score'] as const

/** Writes a hub folder: one connector, two connections, one sync between them that goes both ways. */
export async function writeTwoWayFolder(dir: string, { leftUrl, rightUrl, conflict }: TwoWayFolder): Promise<void> {
  for (const name of ['connectors/people', 'mappings']) await mkdir(join(dir, name), { recursive: true })
  const connection = (name: string, url: string): string => `
  ${name}:
    connector: people
    settings: { url: "${url}" }
    secrets: { secret: "env:RIG_SECRET" }
    allow: [127.0.0.1]`
  await writeFile(
    join(dir, 'causeway.yaml'),
    `connections:${connection('left', leftUrl)}${connection('right', rightUrl)}\n`,
  )
  await writeFile(join(dir, 'connectors/people/connector.yaml'), CONNECTOR)
  await writeFile(
    join(dir, 'mappings/people.yaml'),
    `sync: people
from: left:people
to: right:people
match: [email]
back_match: [email]
both:
  email: email
${BOTH.map((field) => `  ${field}: ${field}\n`).join('')}conflict: ${conflict ?? 'newest'}
deletes: { policy: delete, max_share: 1, max_count: 100000 }
back_deletes: delete
lanes: 2
schedule: manual
retry: { attempts: 30, base: 200ms, cap: 2s }
`,
  )
}

const CONNECTOR = `language: 1
name: people
title: People
description: One of two systems that the fault campaign keeps the same.
protocol: rest
settings:
  url: { type: url, required: true, title: Address, description: Where it listens }
  secret: { type: text, secret: true, title: Secret, description: Of the webhooks }
base_url: \${ settings.url }
auth: { kind: none }
limits: { concurrent: 8, timeout_seconds: 5 }
errors: { message: response.error.message }
webhooks:
  signature:
    kind: hmac
    secrets: ["\${ settings.secret }"]
    header: X-Signature
    prefix: sha256=
    signed: "\${ headers.\`x-timestamp\` }.\${ body }"
    timestamp: headers.\`x-timestamp\`
  event_id: event.id
  stream: '"people"'
  record: item.contact
streams:
  people:
    title: People
    key: record.id
    version: { value: record.updated_at }
    deleted: record.deleted
    read:
      path: /people
      query: { after: "\${ cursor }", since: "\${ since }" }
      records: response.data
      page_size: 100
      paging: { kind: cursor, next: response.paging.next }
      incremental: { value: record.updated_at, format: iso, ordered: true, reanchor: true }
    fetch: { path: /people, query: { ids: "\${ $join(ids, ',') }" }, records: response.data, batch: 50 }
    lookup:
      email:
        path: /people
        query: { emails: "\${ $join(values, ',') }" }
        records: response.data
        batch: 50
    write:
      create: { method: POST, path: /people, body: "\${ values }", id: response.id }
      update: { method: PATCH, path: "/people/\${ id }", body: "\${ values }", partial: true }
      delete: { path: "/people/\${ id }" }
`
