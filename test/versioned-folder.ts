/** A hub folder whose configuration has two versions in the ledger, and what plans and does the way back to the first. */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sampleEnvironment } from '../sandbox/index.ts'
import { Adoption } from '../src/assemble/adoption.ts'
import { readHubFiles } from '../src/assemble/index.ts'
import { planRollBack } from '../src/assemble/planning-back.ts'
import { createLogger } from '../src/core/index.ts'
import type { Ports } from '../src/pipeline/index.ts'
import type { TestHub } from './http/hub.ts'

export const HUB_FILE = `connections:
  crm: { connector: sample-crm, settings: { url: "\${SAMPLE_CRM_URL}" }, secrets: { key: env:CRM_KEY }, allow: [127.0.0.1] }
  helpdesk:
    connector: sample-helpdesk
    settings: { url: "\${SAMPLE_HELPDESK_URL}", email: a@example.org }
    secrets: { token: env:HELPDESK_TOKEN }
    allow: [127.0.0.1]
`
export const mapping = (from: string, name: string) =>
  `from: crm:${from}\r\nto: helpdesk:requesters\nmatch: [email]\nmap:\n  email: email\n  name: ${name}\n`

/** No sync runs here, so that nothing was recorded for it. */
const NOTHING_RECORDED = { model: () => ({ syncByName: () => undefined }) } as unknown as Ports

export type VersionedFolder = { folder: string; adoption: Adoption; first: number; at(path: string): string }

/** Version `first` has one mapping; the one in force has it changed, and another one. `home`: where the folder is made. */
export async function versionedFolder(hub: TestHub, home: string): Promise<VersionedFolder> {
  const folder = await mkdtemp(join(home, 'hub-'))
  const at = (path: string) => join(folder, path)
  await mkdir(at('mappings'))
  await writeFile(at('causeway.yaml'), HUB_FILE)
  await writeFile(at('mappings/contacts.yaml'), mapping('contacts', 'lastName'))
  const env = sampleEnvironment()
  const read = () => readHubFiles({ dir: folder, env })
  const adoption = new Adoption({
    pool: hub.pool,
    env,
    sources: { env, folder },
    log: createLogger({ level: 'silent', destination: process.stderr }),
    read,
    use: async () => undefined,
  })
  hub.services.planRollBack = (version, records, signal) =>
    planRollBack({ pool: hub.pool, env, ports: NOTHING_RECORDED }, version, records, signal)
  hub.services.applyConfiguration = (request, actor) =>
    adoption.apply(request, { actor: actor.name, reason: actor.reason })
  await adoption.begin(await read())
  const { rows } = await hub.pool.query<{ id: number }>('select max(id) as id from configuration_version')
  await writeFile(at('mappings/contacts.yaml'), mapping('contacts', 'firstName'))
  await writeFile(at('mappings/more.yaml'), mapping('contacts', 'email'))
  await adoption.reload(true)
  return { folder, adoption, at, first: rows[0]!.id }
}
