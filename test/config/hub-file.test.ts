import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { checkHub, connectionNamed, loadHub, resolveSecret } from '../../src/config/index.ts'
import { interpolate } from '../../src/config/interpolate.ts'

async function hubFolder(files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-hub-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return folder
}

const check = async (text: string, env: Record<string, string> = {}) =>
  checkHub({ folder: await hubFolder({ 'causeway.yaml': text }), env })

const GOOD = `hub:
  port: 4100
  samples: true
connections:
  crm:
    connector: sample-crm
    title: Our CRM
    settings:
      base_url: \${CRM_URL}
      region: \${REGION:-eu-1}
      page_size: 50
      paths: [/a, "\${PREFIX:-}/b", "$\${literal}"]
    secrets:
      api_key: env:CRM_KEY
      password: file:crm.password
      token: store:crm-token
    allow: [127.0.0.1, "erp.internal:8080"]
    max_per_second: 12.5
    max_concurrent: 4
    tls: { ca: ca.pem, certificate: me.pem, key: env:CRM_TLS_KEY }
  erp:
    connector: sample-erp
`

test('a hub file gives settings and connections, variables filled in, secrets as references', async () => {
  const folder = await hubFolder({ 'causeway.yaml': GOOD })
  const hub = await loadHub({ folder, env: { CRM_URL: 'https://crm.test', CRM_KEY: 'k-e-y' } })
  expect(hub.settings).toMatchObject({ port: 4100, samples: true, host: '127.0.0.1' })
  expect([...hub.connections.keys()]).toEqual(['crm', 'erp'])
  const crm = connectionNamed(hub.connections, 'crm')
  expect(crm).toMatchObject({
    connector: 'sample-crm',
    title: 'Our CRM',
    settings: { base_url: 'https://crm.test', region: 'eu-1', page_size: 50, paths: ['/a', '/b', `\${literal}`] },
    secrets: { api_key: { kind: 'env', name: 'CRM_KEY', connection: 'crm', field: 'api_key' } },
    allow: ['127.0.0.1', 'erp.internal:8080'],
    maxPerSecond: 12.5,
    maxConcurrent: 4,
    tls: { ca: 'ca.pem', certificate: 'me.pem', key: { kind: 'env', name: 'CRM_TLS_KEY' } },
  })
  expect(crm.placeOf(['settings', 'region'])).toEqual({ file: 'causeway.yaml', line: 10, column: 15 })
  expect(hub.connections.get('erp')).toMatchObject({ settings: {}, secrets: {}, allow: [], maxPerSecond: null })
  expect(JSON.stringify(hub)).not.toContain('k-e-y')
})

test('everything wrong is found in one go, each with line, column and a way out', async () => {
  const hub = await check(`hub:
  prot: 4000
  port: many
  admin_token: abcdefghijklmnopqrstuvwxyz0123456789
connections:
  crm:
    conector: sample-crm
    connector: sample-crm
    settings:
      base_url: "https://\${HOST}/v1/\${}"
    secrets:
      api_key: s3cret-literal
    max_concurrent: 0
  Bad Name:
    connector: x
  empty:
    title: no connector
  tls:
    connector: x
    tls: { certificate: a.pem }
connection: {}
`)
  expect(hub.findings.map(({ place, message, fix }) => `${place.line}:${place.column} ${message} → ${fix}`)).toEqual([
    expect.stringMatching(/^2:3 hub: unknown key "prot" → Did you mean "port"\?$/),
    expect.stringMatching(/^3:9 hub\.port must be a whole number/),
    expect.stringMatching(/^4:16 hub\.admin_token: a secret must not stand in the file → .*CAUSEWAY_ADMIN_TOKEN/),
    expect.stringMatching(/^7:5 connections\.crm: unknown key "conector" → Did you mean "connector"\?$/),
    expect.stringMatching(/^10:26 .*variable HOST is not set → .*\$\{HOST:-value\}/),
    expect.stringMatching(/^10:37 .*does not begin a placeholder/),
    expect.stringMatching(/^12:16 connections\.crm\.secrets\.api_key: a secret must not stand.*→ .*env:CRM_API_KEY/),
    expect.stringMatching(/^13:21 connections\.crm\.max_concurrent: must be >= 1/),
    expect.stringMatching(/^14:3 connections: "Bad Name" is not a name/),
    expect.stringMatching(/^17:5 connections\.empty: "connector" is missing/),
    expect.stringMatching(/^20:10 connections\.tls\.tls: .*key/),
    expect.stringMatching(/^21:1 unknown key "connection" → Did you mean "connections"\?$/),
  ])
  expect(JSON.stringify(hub.findings)).not.toMatch(/s3cret-literal|abcdefghij/)
})

test('loading fails with the first finding and names how many more there are', async () => {
  const folder = await hubFolder({ 'causeway.yaml': 'hub:\n  prot: 1\n  hots: x\n' })
  await expect(loadHub({ folder, env: {} })).rejects.toMatchObject({
    code: 'CSW-1005',
    place: { file: 'causeway.yaml', line: 2, column: 3 },
    message: expect.stringContaining('1 more'),
    fix: 'Did you mean "port"?',
    data: {
      findings: [
        expect.stringMatching(/^causeway.yaml:2:3: .*prot/),
        expect.stringMatching(/^causeway.yaml:3:3: .*hots/),
      ],
    },
  })
})

test('no file, no YAML, no mapping: each says what to do', async () => {
  const folder = await hubFolder({})
  await expect(loadHub({ folder, env: {} })).rejects.toMatchObject({
    code: 'CSW-1003',
    fix: expect.stringContaining('init'),
  })
  await expect(check('hub: [')).rejects.toMatchObject({ code: 'CSW-1004', place: { line: 1 } })
  expect((await check('- a\n')).findings).toMatchObject([{ code: 'CSW-1005' }])
})

test('an empty file and empty sections are a hub without connections', async () => {
  for (const text of ['hub:\nconnections:\n', '{}']) {
    const hub = await check(text)
    expect(hub.findings).toEqual([])
    expect(hub.connections.size).toBe(0)
  }
})

test('a database URL may stand in the file without a password, and with one only as a variable', async () => {
  expect((await check('hub:\n  database_url: postgres://db/causeway\n')).settings.database_url).toBe(
    'postgres://db/causeway',
  )
  const literal = await check('hub:\n  database_url: postgres://u:p4ss@db/causeway\n')
  expect(literal.findings).toMatchObject([{ message: expect.stringContaining('must not stand in the file') }])
  expect(JSON.stringify(literal.findings)).not.toContain('p4ss')
  const variable = await check(`hub:\n  database_url: \${MY_DB}\n  port: \${MY_PORT}\n`, {
    MY_DB: 'postgres://u:p4ss@db/c',
    MY_PORT: '4200',
  })
  expect(variable.settings).toMatchObject({ database_url: 'postgres://u:p4ss@db/c', port: 4200 })
})

test('a setting that is called like a secret is pointed out, whether it stands there or comes by a variable', async () => {
  const hub = await check(
    `connections:\n  crm:\n    connector: x\n    settings: { password: hunter2, client_secret: "\${S:-x}", name: a }\n`,
  )
  expect(hub.findings).toMatchObject([
    {
      severity: 'warning',
      place: { line: 4 },
      message: 'connections.crm.settings.password: looks like a secret that stands in the file',
    },
    {
      severity: 'warning',
      place: { line: 4 },
      message: 'connections.crm.settings.client_secret: looks like a secret that comes under settings',
      fix: 'Move it to `secrets:` as a reference, like client_secret: env:S.',
    },
  ])
  expect(JSON.stringify(hub.findings)).not.toContain('hunter2')
})

test('a connection that nothing defines is named with those that exist', async () => {
  const { connections } = await check('connections:\n  crm: { connector: x }\n')
  expect(() => connectionNamed(connections, 'crn')).toThrow(
    expect.objectContaining({ code: 'CSW-1007', fix: expect.stringContaining('crm') }),
  )
})

test('secrets are fetched from variable, file and ledger, when they are asked for', async () => {
  const folder = await hubFolder({ 'causeway.yaml': GOOD, 'crm.password': 'p w\n' })
  const { connections } = await loadHub({ folder, env: { CRM_URL: 'x' } })
  const { api_key, password, token } = connections.get('crm')!.secrets
  const asked: string[] = []
  const store = async (connection: string, name: string) => {
    asked.push(`${connection}/${name}`)
    return 'from the ledger'
  }
  expect(await resolveSecret(api_key!, { folder, env: { CRM_KEY: 'from env' } })).toBe('from env')
  expect(await resolveSecret(password!, { folder, env: {} })).toBe('p w')
  expect(await resolveSecret(token!, { folder, env: {}, store })).toBe('from the ledger')
  expect(asked).toEqual(['crm/crm-token'])
})

test('a missing secret is named with reference, place and what to do, never with a value', async () => {
  const folder = await hubFolder({ 'causeway.yaml': GOOD })
  const { connections } = await loadHub({ folder, env: { CRM_URL: 'x' } })
  const { api_key, password, token } = connections.get('crm')!.secrets
  const sources = { folder, env: { CRM_KEY: '', OTHER: 'other-secret' }, store: async () => null }
  for (const [reference, line, text] of [
    [api_key!, 14, 'env:CRM_KEY'],
    [password!, 15, 'file:crm.password'],
    [token!, 16, 'store:crm-token'],
  ] as const) {
    const error = await resolveSecret(reference, sources).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'CSW-1006',
      place: { file: 'causeway.yaml', line },
      message: expect.stringContaining(text),
    })
    expect(JSON.stringify(error)).not.toContain('other-secret')
  }
})

test('text without "${" is left alone, and any text can be written by doubling the dollar', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('$', '{', '}', 'A', ':-') })), (text) => {
      // A function: in a replacement text `$$` would stand for one dollar.
      const written = text.replaceAll('${', () => '$${')
      expect(interpolate(written, {})).toEqual({ text, missing: [] })
    }),
  )
})
