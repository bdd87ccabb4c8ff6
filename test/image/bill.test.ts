/** The image's bill of materials against what lies in the image. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { billOfImage } from '../../scripts/image-sbom.ts'
import type { BillOfMaterials } from '../../scripts/sbom.ts'
import { IMAGE, podman } from './engine.ts'

let root: string
let bill: BillOfMaterials
beforeAll(async () => {
  root = await podman('image', 'mount', IMAGE)
  bill = billOfImage(root)
})
afterAll(() => podman('image', 'unmount', IMAGE))

const lines = async (program: string, ...args: string[]): Promise<string[]> => {
  const { stdout } = await promisify(execFile)(program, args, { maxBuffer: 1 << 26 })
  return stdout.split('\n').filter(Boolean).sort()
}
const named = (prefix: string): string[] =>
  bill.components.filter(({ purl, properties }) => purl?.startsWith(prefix) && !properties).map(({ purl }) => purl!)

test('it names each package that lies under node_modules, and no other', async () => {
  // A package's own package.json, and not one of a folder inside it.
  const files = (await lines('find', `${root}/app/node_modules`, '-name', 'package.json')).filter((file) =>
    /\/node_modules\/(@[^/]+\/)?[^@/][^/]*\/package\.json$/.test(file),
  )
  const there = files.map((file) => {
    const { name, version } = JSON.parse(readFileSync(file, 'utf8')) as { name: string; version: string }
    return `pkg:npm/${name.replace('@', '%40')}@${version}`
  })
  expect(there.length).toBeGreaterThan(200)
  expect(named('pkg:npm/').sort()).toEqual([...new Set(there)].sort())
})

test('it names each package of Debian as dpkg lists them, the release, and Node by the bytes that run', async () => {
  const installed = await lines(
    'podman',
    'run',
    '--rm',
    '--network',
    'none',
    '--entrypoint',
    'dpkg-query',
    IMAGE,
    '-W',
    '-f',
    '${Package} ${Version}\\n',
  )
  expect(installed.length).toBeGreaterThan(50)
  const debian = bill.components.filter(({ purl }) => purl?.startsWith('pkg:deb/'))
  expect(debian.map(({ name, version }) => `${name} ${version}`).sort()).toEqual(installed)
  expect(bill.components[0]).toMatchObject({ type: 'operating-system', 'bom-ref': 'debian-13' })
  const [sum] = await lines(
    'podman',
    'run',
    '--rm',
    '--network',
    'none',
    '--entrypoint',
    'sha256sum',
    IMAGE,
    '/usr/local/bin/node',
  )
  const node = bill.components.find(({ name, type }) => name === 'node' && type === 'application')!
  expect(sum).toContain(node.hashes![0]!.content)
  expect(process.version).toBe(`v${node.version}`)
})

test('it names what the page was built of apart, and each address once', () => {
  const page = bill.components.filter(({ properties }) => properties).map(({ name }) => name)
  expect(page).toEqual(expect.arrayContaining(['react', 'react-dom', '@mantine/core', '@codemirror/view']))
  for (const tool of ['vite', 'vitest', 'typescript', 'npm'])
    expect(bill.components.map(({ name }) => name)).not.toContain(tool)
  const refs = bill.components.map((component) => component['bom-ref'])
  expect(new Set(refs).size).toBe(refs.length)
  for (const { dependsOn } of bill.dependencies) expect(refs).toEqual(expect.arrayContaining(dependsOn))
})
