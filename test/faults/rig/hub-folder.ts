import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export type FolderOptions = {
  sourceUrl: string
  targetUrl: string
  /** OAuth for the source, where a row is about tokens. */
  tokenUrl?: string
  /** Writes of one record per call, or up to 100. */
  batch?: boolean
  lanes?: number
  /** Extra lines of the mapping file, of the target in the hub file, of the target's manifest. */
  mapping?: string
  target?: string
  limits?: string
  /** The expression behind `name`. */
  name?: string
  schedule?: string
  /** Further connections to the same target, each with a sync of its own. */
  neighbours?: string[]
}

/** Writes a hub folder: two connectors, two connections, one sync from contacts to customers. */
export async function writeHubFolder(dir: string, options: FolderOptions): Promise<void> {
  for (const name of ['connectors/source', 'connectors/target', 'mappings'])
    await mkdir(join(dir, name), { recursive: true })
  const names = ['', ...(options.neighbours ?? []).map((name) => `-${name}`)]
  await writeFile(
    join(dir, 'causeway.yaml'),
    `connections:\n${names.map((suffix) => connections(suffix, options)).join('')}`,
  )
  await writeFile(join(dir, 'connectors/source/connector.yaml'), source(options.tokenUrl))
  await writeFile(join(dir, 'connectors/target/connector.yaml'), target(options))
  for (const suffix of names) await writeFile(join(dir, `mappings/contacts${suffix}.yaml`), mapping(suffix, options))
}

const connections = (suffix: string, { sourceUrl, targetUrl, tokenUrl, target }: FolderOptions): string => `
  source${suffix}:
    connector: source
    settings: { url: "${sourceUrl}"${tokenUrl ? `, token_url: "${tokenUrl}"` : ''} }
    secrets: { secret: "env:RIG_SECRET", former: "env:RIG_FORMER"${tokenUrl ? ', refresh: "env:RIG_REFRESH"' : ''} }
    allow: [127.0.0.1]
  target${suffix}:
    connector: target
    settings: { url: "${targetUrl}" }
    allow: [127.0.0.1]
${target ?? ''}`

const oauth = `
  token_url: { type: url, required: true, title: Token address, description: Where tokens are given }
  refresh: { type: text, secret: true, title: Refresh token, description: The first one }
base_url: \${ settings.url }
auth: { kind: oauth2, grant: refresh_token, token_url: "\${ settings.token_url }", client_id: rig, client_secret: rig-client-secret, client_auth: body, refresh_token: "\${ settings.refresh }" }`

const source = (tokenUrl: string | undefined): string => `language: 1
name: source
title: Source
description: The system that the fault campaign reads from.
protocol: rest
settings:
  url: { type: url, required: true, title: Address, description: Where it listens }
  secret: { type: text, secret: true, title: Secret, description: Of the webhooks }
  former: { type: text, secret: true, title: Former secret, description: Still valid while it is changed }${
    tokenUrl ? oauth : '\nbase_url: ${ settings.url }\nauth: { kind: none }'
  }
limits: { concurrent: 8, timeout_seconds: 10 }
errors: { message: response.error.message }
webhooks:
  signature:
    kind: hmac
    secrets: ["\${ settings.secret }", "\${ settings.former }"]
    header: X-Signature
    prefix: sha256=
    signed: "\${ headers.\`x-timestamp\` }.\${ body }"
    timestamp: headers.\`x-timestamp\`
  event_id: event.id
  stream: '"contacts"'
  record: item.contact
streams:
  contacts:
    title: Contacts
    key: record.id
    version: { value: record.rev, type: number }
    read:
      path: /contacts
      query: { after: "\${ cursor }", since: "\${ since }" }
      records: response.data
      page_size: 50
      paging: { kind: cursor, next: response.paging.next }
      incremental: { value: record.updated_at, format: iso, ordered: true, reanchor: true }
`

const single = 'create: { path: /customers, body: "${ values }", id: response.id }'
const batched = `create:
        batch:
          size: 100
          path: /customers/batch
          item: \${ values }
          body: { items: "\${ items }" }
          results: response.results
          failed: result.status = "error"
          message: result.message
          id: result.id`

const target = ({ batch, limits }: FolderOptions): string => `language: 1
name: target
title: Target
description: The system that the fault campaign writes to.
protocol: rest
settings:
  url: { type: url, required: true, title: Address, description: Where it listens }
base_url: \${ settings.url }
auth: { kind: none }
limits: { ${limits ?? 'concurrent: 8, timeout_seconds: 5'} }
errors: { message: response.error.message }
streams:
  customers:
    title: Customers
    key: record.id
    lookup:
      external_id:
        path: /customers
        query: { external_ids: "\${ $join(values, ',') }" }
        records: response.data
        batch: 50
    write:
      ${batch ? batched : single}
      update: { method: PATCH, path: "/customers/\${ id }", body: "\${ values }", partial: true }
`

const mapping = (suffix: string, options: FolderOptions): string => `sync: contacts${suffix}
from: source${suffix}:contacts
to: target${suffix}:customers
match: [external_id]
map:
  external_id: ${suffix ? `'"${suffix.slice(1)}-" & id'` : 'id'}
  name: '${(options.name ?? 'name').replaceAll("'", "''")}'
  full_name: full_name
  mail: mail
  phone: phone
  address: address
  note: note
  rev: rev
lanes: ${options.lanes ?? 2}
schedule: ${options.schedule ?? 'manual'}
${options.mapping ?? 'retry: { attempts: 8, base: 200ms, cap: 2s }'}
`
