import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readHubFiles } from '../../src/assemble/files.ts'
import { toShape } from '../../src/assemble/model.ts'

const HUB = `connections:
  crm:
    connector: sample-crm
    settings: { url: "http://127.0.0.1:1" }
    secrets: { key: env:KEY }
    keep: KEEP
  helpdesk:
    connector: sample-crm
    settings: { url: "http://127.0.0.1:2" }
    secrets: { key: env:KEY }
`
const MAPPING = `from: crm:contacts
to: helpdesk:contacts
match: [email]
with:
  company: { from: crm:companies, key: companyId }
map:
  email: email
  lastName: $uppercase(lastName)
  jobTitle: $company.name
`

/** A system whose records can be listed, and in one case be asked for by id. */
const thin = (fetch: string) => `language: 1
name: thin
title: Thin
protocol: rest
base_url: http://127.0.0.1:1
streams:
  contacts:
    title: Contacts
    key: record.id
    read: { path: /contacts, records: response.items }
${fetch}`

async function read(keep: string, mapping = MAPPING, { hub = HUB, connector = thin('') } = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'causeway-keep-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  await mkdir(join(dir, 'mappings'))
  await mkdir(join(dir, 'connectors', 'thin'), { recursive: true })
  await writeFile(join(dir, 'connectors', 'thin', 'connector.yaml'), connector)
  await writeFile(join(dir, 'causeway.yaml'), hub.replace('KEEP', keep))
  await writeFile(join(dir, 'mappings', 'copy.yaml'), mapping)
  return readHubFiles({ dir, env: { KEY: 'x' } })
}

test('how streams are kept, and what their mappings read, reaches the ledger', async () => {
  const files = await read('{ contacts: hash, "*": used }')
  const { streams } = toShape(files.config.connections.values(), files.syncs)
  expect(streams).toMatchObject([
    {
      connection: 'crm',
      name: 'contacts',
      keeping: 'hash',
      keptFields: ['["companyId"]', '["email"]', '["lastName"]'],
    },
    { connection: 'helpdesk', name: 'contacts', keeping: 'full' },
    { connection: 'crm', name: 'companies', keeping: 'used', keptFields: ['["name"]'] },
  ])
})

test('what cannot be kept so is found where it stands', async () => {
  const found = async (...args: Parameters<typeof read>) =>
    (await read(...args)).findings
      .filter(({ place }) => place.file === 'causeway.yaml')
      .map(({ severity, code, place }) => `${severity} ${code} ${place.line}`)
  expect(await found('{ companies: hash }')).toEqual(['error CSW-1009 6'])
  expect(await found('{ kontakts: used }')).toEqual(['error CSW-2002 6'])
  expect(await found('{ contacts: most }')).toEqual(['error CSW-1005 6'])
  expect(await found('{ contacts: used }', MAPPING.replace('email: email', 'email: $lookup($$, "email")'))).toEqual([
    'warning CSW-1009 6',
  ])
  expect(await found('{ contacts: hash, companies: used }')).toEqual([])
  const bothWays =
    'from: crm:contacts\nto: helpdesk:contacts\nmatch: [email]\nboth: { email: email, lastName: lastName }\n'
  expect(await found('{ contacts: hash }', bothWays)).toEqual(['error CSW-1009 6'])
})

test('a stream of which not all is kept, and that gives no single records, is warned of', async () => {
  const hub = `connections:
  crm:
    connector: thin
    keep: KEEP
  helpdesk:
    connector: sample-crm
    settings: { url: "http://127.0.0.1:2" }
    secrets: { key: env:KEY }
`
  const mapping = 'from: crm:contacts\nto: helpdesk:contacts\nmatch: [email]\nmap: { email: email }\n'
  const found = async (keep: string, connector = thin('')) =>
    (await read(keep, mapping, { hub, connector })).findings
      .filter(({ place }) => place.file === 'causeway.yaml')
      .map(({ severity, code, place, message }) => `${severity} ${code} ${place.line} ${message.includes('CSW-5018')}`)
  expect(await found('{ contacts: hash }')).toEqual(['warning CSW-1009 4 true'])
  expect(await found('{ "*": used }')).toEqual(['warning CSW-1009 4 true'])
  expect(await found('{ contacts: full }')).toEqual([])
  expect(await found('{ contacts: used }', thin('    fetch: { path: "/contacts/${ id }" }\n'))).toEqual([])
})
