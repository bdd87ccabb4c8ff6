import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readHubFiles } from '../../src/assemble/files.ts'

const connection = (port: number) => `
    connector: sample-crm
    settings: { url: "http://127.0.0.1:${port}" }
    secrets: { key: env:KEY }`

/** Two syncs from one CRM into two connections, at these ports. */
async function warnings([first, second]: [number, number], mode = 'upsert') {
  const dir = await mkdtemp(join(tmpdir(), 'causeway-same-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  await mkdir(join(dir, 'mappings'))
  const connections = `crm:${connection(1)}\n  here:${connection(first)}\n  there:${connection(second)}\n`
  await writeFile(join(dir, 'causeway.yaml'), `connections:\n  ${connections}`)
  for (const [to, how] of [
    ['here', 'upsert'],
    ['there', mode],
  ])
    await writeFile(
      join(dir, 'mappings', `${to}.yaml`),
      `from: crm:contacts\nto: ${to}:contacts\nmatch: [email]\nmode: ${how}\nmap: { email: email }\n`,
    )
  const { findings } = await readHubFiles({ dir, env: { KEY: 'x' } })
  return findings.filter(({ code }) => code === 'CSW-1012')
}

test('two connections to one installation, through which two syncs create the same kind of record, are told of', async () => {
  expect(await warnings([2, 2])).toMatchObject([
    {
      severity: 'warning',
      message: expect.stringMatching(/here and there seem to be one installation.* create contacts/),
      place: { file: 'causeway.yaml', line: expect.any(Number) },
    },
  ])
  expect(await warnings([2, 3])).toEqual([])
  expect(await warnings([2, 2], 'update-only')).toEqual([])
})
