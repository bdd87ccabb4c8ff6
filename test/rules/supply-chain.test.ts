/** What is shipped is named, and asked after. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { verdictOf } from '../../scripts/check-advisories.ts'
import { billOfMaterials } from '../../scripts/sbom.ts'
import { type Lock, nameOf, shippedPackages } from '../../scripts/shipped-packages.ts'

const read = (file: string) => JSON.parse(readFileSync(join(import.meta.dirname, '../..', file), 'utf8'))

test('the bill of materials names every package that the program needs, and those of the page, and no tools', () => {
  const { components } = billOfMaterials()
  const named = new Set(components.map(({ name, version }) => `${name}@${version}`))
  const lock = read('package-lock.json') as Lock
  const needed = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && !dev)
  expect(
    needed.filter(([path, { version }]) => !named.has(`${nameOf(path)}@${version}`)).map(([path]) => path),
  ).toEqual([])
  const names = new Set(components.map(({ name }) => name))
  const { dependencies, optionalDependencies = {} } = read('package.json')
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) expect(names).toContain(name)
  for (const name of ['react', 'react-dom', 'scheduler', '@mantine/core', '@codemirror/view', '@lezer/common'])
    expect(names).toContain(name)
  for (const name of ['vitest', 'typescript', 'vite', 'playwright-core', 'knip']) expect(names).not.toContain(name)
})

test('each component has a version, an address and a hash, and what it needs is there', () => {
  const bill = billOfMaterials()
  const purls = bill.components.map(({ purl }) => purl)
  expect(new Set(purls).size).toBe(purls.length)
  // Builds for other platforms that the registry at hand did not have when the lock file was written have no hash.
  const hashless = bill.components.filter(({ hashes, scope }) => !hashes && scope !== 'optional')
  expect(hashless).toEqual([])
  for (const { alg, content } of bill.components.flatMap(({ hashes = [] }) => hashes))
    expect(content).toMatch(alg === 'SHA-512' ? /^[0-9a-f]{128}$/ : /^[0-9a-f]{40,96}$/)
  for (const { ref, dependsOn } of bill.dependencies.slice(1))
    expect(purls).toEqual(expect.arrayContaining([ref, ...dependsOn]))
  expect(bill.dependencies[0]!.dependsOn.length).toBeGreaterThan(60)
  expect(purls).toEqual(expect.arrayContaining(bill.dependencies[0]!.dependsOn))
})

test('a package is found where Node finds it, beside its dependent or further out', () => {
  const packages = {
    '': { version: '1' },
    'node_modules/page': {
      version: '1',
      dev: true,
      dependencies: { inner: '1' },
      peerDependencies: { outer: '1', gone: '1' },
    },
    'node_modules/page/node_modules/inner': { version: '2', dev: true, dependencies: { outer: '1' } },
    'node_modules/inner': { version: '1', dev: true },
    'node_modules/outer': { version: '3', dev: true },
    'node_modules/needed': { version: '1' },
    'node_modules/tool': { version: '1', dev: true },
  } as Lock['packages']
  expect(shippedPackages({ name: 'x', version: '1', packages }, ['page'])).toEqual([
    'node_modules/page',
    'node_modules/page/node_modules/inner',
    'node_modules/outer',
    'node_modules/needed',
  ])
})

test('a weakness counts where it is shipped and high; where nobody answers it is unknown, not absent', () => {
  const vulnerability = (name: string, severity: string, path = `node_modules/${name}`) => ({
    name,
    severity,
    via: [{ title: 'reads too far' }, 'other'],
    nodes: [path],
  })
  const audit = {
    vulnerabilities: {
      axios: vulnerability('axios', 'high'),
      yaml: vulnerability('yaml', 'moderate'),
      vitest: vulnerability('vitest', 'critical'),
      // Another version of something shipped, brought by a tool.
      pino: vulnerability('pino', 'critical', 'node_modules/vitest/node_modules/pino'),
    },
  }
  const shipped = new Set(['node_modules/axios', 'node_modules/yaml', 'node_modules/pino'])
  expect(verdictOf(audit, shipped)).toEqual({ bad: ['axios: high, reads too far; by other'] })
  expect(verdictOf({ vulnerabilities: {} }, shipped)).toEqual({ bad: [] })
  expect(verdictOf({ message: '405 Method Not Allowed' }, shipped)).toEqual({ unknown: '405 Method Not Allowed' })
  expect(verdictOf(null, shipped)).toEqual({ unknown: 'npm audit gave no answer' })
})

test('new versions of packages wait for a week before npm takes them', () => {
  const settings = readFileSync(join(import.meta.dirname, '../../.npmrc'), 'utf8')
  expect(Number(/^min-release-age=(\d+)$/m.exec(settings)?.[1])).toBeGreaterThanOrEqual(7)
})
