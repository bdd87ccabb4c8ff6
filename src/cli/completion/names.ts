/** What may stand in the place of a placeholder: names out of the hub folder, or of the hub that the command line names. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { parse } from 'yaml'
import { errorRegistry, isObject } from '../../core/index.ts'
import { FORMATS } from '../output.ts'
import { packageRoot } from '../package-info.ts'
import { readProfiles } from '../profiles.ts'

export type Place = { dir: string; ask: ((path: string) => Promise<unknown>) | null }
type Kind =
  | 'syncs'
  | 'connections'
  | 'connectors'
  | 'entities'
  | 'analytics'
  | 'codes'
  | 'files'
  | 'profiles'
  | 'formats'

/** Placeholders that mean the same in every command. */
const EVERYWHERE: Readonly<Record<string, Kind>> = {
  sync: 'syncs',
  connection: 'connections',
  entity: 'entities',
  code: 'codes',
  subject: 'codes',
  profile: 'profiles',
  format: 'formats',
  file: 'files',
  folder: 'files',
  dir: 'files',
  paths: 'files',
  'connection:stream': 'connections',
}
/** `<name>` is whatever the command is about. */
const NAMES: Readonly<Record<string, Kind>> = {
  syncs: 'syncs',
  connections: 'connections',
  auth: 'connections',
  connectors: 'connectors',
  analytics: 'analytics',
}
/** `--sync <name>`: what the option is called. */
const OF_OPTIONS: Readonly<Record<string, Kind>> = {
  sync: 'syncs',
  connection: 'connections',
  entity: 'entities',
  stream: 'connections',
  code: 'codes',
}

export const kindOfArgument = (group: string, placeholder: string): Kind | undefined =>
  placeholder === 'name' || placeholder === 'names' ? NAMES[group] : EVERYWHERE[placeholder]

export const kindOfOption = (name: string, placeholder: string): Kind | undefined =>
  OF_OPTIONS[name] ?? EVERYWHERE[placeholder]

/** Never throws: a shell that asks for names wants names or nothing. `word` is what stands there so far. */
export async function namesOf(kind: Kind, place: Place, word: string): Promise<string[]> {
  try {
    return place.ask ? await remoteNames(kind, place.ask, word) : localNames(kind, place.dir, word)
  } catch {
    return []
  }
}

async function remoteNames(kind: Kind, ask: (path: string) => Promise<unknown>, word: string): Promise<string[]> {
  if (kind !== 'syncs' && kind !== 'connections' && kind !== 'connectors') return localNames(kind, '.', word)
  const answer = await ask(`/api/v1/${kind}${kind === 'connectors' ? '' : '?limit=500'}`)
  const { items } = answer as { items: { name: string }[] }
  return items.map(({ name }) => name)
}

function localNames(kind: Kind, dir: string, word: string): string[] {
  switch (kind) {
    case 'syncs':
      return yamlFiles(dir, 'mappings_dir', 'mappings').flatMap(syncsIn)
    case 'entities':
      return yamlFiles(dir, 'entities_dir', 'entities').map(stem)
    case 'connections':
    case 'analytics':
      return keysOf(hubFile(dir)[kind])
    case 'connectors':
      return [join(packageRoot(), 'connectors'), folderOf(dir, 'connectors_dir', 'connectors')].flatMap(foldersIn)
    case 'codes':
      return Object.keys(errorRegistry)
    case 'files':
      return filesFrom(word)
    case 'profiles':
      return [...readProfiles().keys()]
    case 'formats':
      return [...FORMATS]
    default:
      return []
  }
}

const keysOf = (value: unknown): string[] => (isObject(value) ? Object.keys(value) : [])

function hubFile(dir: string): Record<string, unknown> {
  const value: unknown = parse(readFileSync(join(dir, 'causeway.yaml'), 'utf8'))
  return isObject(value) ? value : {}
}

/** A folder of the hub, where its file or the environment puts it. */
function folderOf(dir: string, setting: string, usual: string): string {
  const fromEnv = process.env[`CAUSEWAY_${setting.toUpperCase()}`]
  const hub = fromEnv === undefined ? hubFile(dir).hub : undefined
  const named = fromEnv ?? (isObject(hub) ? hub[setting] : undefined)
  return resolve(dir, typeof named === 'string' ? named : usual)
}

const yamlFiles = (dir: string, setting: string, usual: string): string[] => {
  const folder = folderOf(dir, setting, usual)
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.ya?ml$/.test(name) && !/\.(test|table)\.ya?ml$/.test(name))
    .map((name) => join(folder, name))
}

const stem = (file: string): string => basename(file).replace(/\.ya?ml$/, '')

/** A mapping is named by its file unless it says otherwise at the beginning of a line; reading all of them as YAML takes too long. */
function syncsIn(file: string): string[] {
  const named = /^sync: *["']?([^"'\s#]+)/m.exec(readFileSync(file, 'utf8'))
  return [named?.[1] ?? stem(file)]
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
  } catch {
    return []
  }
}

/** Files and folders that begin with the word; a folder ends in a slash. */
function filesFrom(word: string): string[] {
  const folder = word.endsWith('/') ? word : `${dirname(word)}/`
  const shown = word.includes('/') ? folder : ''
  return readdirSync(resolve(folder), { withFileTypes: true })
    .filter(({ name }) => !name.startsWith('.'))
    .map((entry) => {
      const isFolder =
        entry.isDirectory() || (entry.isSymbolicLink() && statSync(resolve(folder, entry.name)).isDirectory())
      return `${shown}${entry.name}${isFolder ? '/' : ''}`
    })
}
