/** What Helm itself says of the chart. */
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { buildRenderer, CHART, type KubeObject, template, type Values } from './chart.ts'
import { fetchHelm } from './helm.ts'
import { LEAST, SETS } from './values.ts'

let folder: string
let program: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'causeway-helm-'))
  program = await fetchHelm(folder)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Runs Helm with values; gives what it printed, to which stream ever, and whether it was content. */
async function helm(words: string[], values: Values): Promise<{ isWell: boolean; stdout: string; text: string }> {
  const file = join(folder, 'values.json')
  await writeFile(file, JSON.stringify(values))
  // Nothing of the machine's own Helm is looked at.
  const env = { PATH: process.env.PATH, HOME: folder }
  const outcome = promisify(execFile)(program, [...words, '--values', file], { env, maxBuffer: 1 << 24 })
  return outcome.then(
    ({ stdout, stderr }) => ({ isWell: true, stdout, text: stdout + stderr }),
    ({ stdout, stderr }) => ({ isWell: false, stdout, text: stdout + stderr }),
  )
}

test.each(SETS)('with %s values helm lint warns of nothing', async (_, values) => {
  const { isWell, text } = await helm(['lint', '--strict', CHART], values)
  expect(isWell, text).toBe(true)
  expect(text).not.toMatch(/\[(WARNING|ERROR)\]|WARN/)
})

test.each(SETS)('with %s values Helm renders the objects that the other tests look at', async (_, values) => {
  const { isWell, stdout, text } = await helm(['template', 'hub', CHART, '--namespace', 'integration'], values)
  expect(isWell, text).toBe(true)
  const byName = (objects: KubeObject[]) => new Map(objects.map((one) => [`${one.kind}/${one.metadata.name}`, one]))
  const helms = parseAllDocuments(stdout).flatMap((one) => (one.toJS() === null ? [] : [one.toJS() as KubeObject]))
  expect(byName(helms)).toEqual(byName(await template(await buildRenderer(folder), values)))
})

test('it refuses values that the schema does not know, and a chart that is none', async () => {
  const unknown = await helm(['lint', '--strict', CHART], { ...LEAST, replicas: 3 })
  expect(unknown.isWell).toBe(false)
  expect(unknown.text).toMatch(/replicas/)

  const broken = join(folder, 'causeway')
  await cp(CHART, broken, { recursive: true })
  const service = join(broken, 'templates/service.yaml')
  await writeFile(service, (await readFile(service, 'utf8')).replace('kind: Service', 'kind: Service\n kind: Twice'))
  const twice = await helm(['lint', '--strict', broken], LEAST)
  expect(twice.isWell, twice.text).toBe(false)
  expect(twice.text).toMatch(/service\.yaml/)
})
