/** `state:modified` in a folder under git, as a person works in one. */
import { execFile } from 'node:child_process'
import { appendFile, cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { selectedSyncs } from '../../src/assemble/index.ts'

let root: string
let folder: string
const git = (...args: string[]) =>
  promisify(execFile)('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], { cwd: root })
const modified = async (dir = folder): Promise<string[]> =>
  (await selectedSyncs({ dir, select: 'state:modified' })).map(({ name }) => name)
const commit = async (): Promise<void> => {
  await git('add', '.')
  await git('commit', '-qm', 'next')
}
const mapping = (name: string, more = '') =>
  writeFile(
    join(folder, `mappings/${name}.yaml`),
    `from: crm:contacts\nto: helpdesk:requesters\n${more}map: { email: email, name: lastName }\n`,
  )

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'causeway-modified-'))
  folder = join(root, 'hub')
  await cp(join(import.meta.dirname, '../../src/cli/template'), folder, { recursive: true })
  await mapping('tabled', 'tables: { kinds: { file: kinds.csv } }\n')
  await writeFile(join(folder, 'mappings/kinds.csv'), 'key,value\na,b\n')
  await git('init', '-q')
  await commit()
})
afterAll(() => rm(root, { recursive: true }))

test('a sync is modified by its file, by one that is new, by tests beside it and by its tables; through a link too', async () => {
  expect(await modified()).toEqual([])
  await appendFile(join(folder, 'mappings/contacts-to-helpdesk.yaml'), '# another word\n')
  expect(await modified()).toEqual(['contacts-to-helpdesk'])
  await symlink(folder, join(root, 'link'))
  expect(await modified(join(root, 'link'))).toEqual(['contacts-to-helpdesk'])
  await commit()
  await mapping('new')
  expect(await modified()).toEqual(['new'])
  await commit()
  await writeFile(join(folder, 'mappings/new.test.yaml'), 'tests: []\n')
  expect(await modified()).toEqual(['new'])
  await commit()
  await appendFile(join(folder, 'mappings/kinds.csv'), 'c,d\n')
  expect(await modified()).toEqual(['tabled'])
})

test('a folder outside of git says so', async () => {
  const elsewhere = await mkdtemp(join(tmpdir(), 'causeway-no-git-'))
  await cp(folder, elsewhere, { recursive: true })
  await expect(modified(elsewhere)).rejects.toMatchObject({
    code: 'CSW-8020',
    message: expect.stringContaining('no git repository'),
  })
  await rm(elsewhere, { recursive: true })
})
