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
    settings: { url: "http://127.0.0.1:1" }
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

async function read(keep: string, mapping = MAPPING) {
  const dir = await mkdtemp(join(tmpdir(), 'causeway-keep-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  await mkdir(join(dir, 'mappings'))
  await writeFile(join(dir, 'causeway.yaml'), HUB.replace('KEEP', keep))
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
})
