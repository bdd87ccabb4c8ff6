/** Hubs by name, for `--profile`: where each is, and in which file its token lies. Tokens themselves are never in here. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { CausewayError, isObject, nearestName } from '../core/index.ts'

export type Profile = { url: string; tokenFile?: string }

/** Where the XDG Base Directory Specification puts what a user configures. */
const profilesFile = (env: NodeJS.ProcessEnv = process.env): string =>
  join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'causeway', 'profiles.json')

/** All profiles by name; none where there is no file. Throws CSW-1003 for a file that is not one of ours. */
export function readProfiles(): Map<string, Profile> {
  const file = profilesFile()
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return new Map()
    throw unreadable(file, code ?? 'unreadable')
  }
  try {
    const found = JSON.parse(text) as Record<string, Profile>
    if (!isObject(found) || !Object.values<unknown>(found).every(isProfile)) throw new Error('not profiles')
    return new Map(Object.entries(found))
  } catch {
    throw unreadable(file, 'no profiles in it')
  }
}

const isProfile = (value: unknown): value is Profile => {
  const { url, tokenFile } = (value ?? {}) as Record<string, unknown>
  return typeof url === 'string' && (tokenFile === undefined || typeof tokenFile === 'string')
}

const unreadable = (file: string, why: string): CausewayError =>
  new CausewayError('CSW-1003', {
    what: `${file} cannot be read (${why}).`,
    place: { file },
    fix: 'Mend or remove it; `causeway profiles set` writes it anew.',
  })

/** Throws CSW-8020 where there is none of that name. */
export function profileNamed(name: string): Profile {
  const profiles = readProfiles()
  const found = profiles.get(name)
  if (found) return found
  const near = nearestName(name, profiles.keys())
  throw new CausewayError('CSW-8020', {
    what: `There is no profile ${JSON.stringify(name)}.`,
    fix: near
      ? `Did you mean "${near}"?`
      : `Known: ${[...profiles.keys()].join(', ') || 'none'}. \`causeway profiles set NAME --url URL --token-file FILE\` makes one.`,
  })
}

/** Written beside and renamed, so that nobody reads half of it. Paths are kept whole: they hold in every folder. */
export function saveProfiles(profiles: ReadonlyMap<string, Profile>): void {
  const file = profilesFile()
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const draft = `${file}.${process.pid}`
  const whole = [...profiles].map(([name, { url, tokenFile }]) => [
    name,
    { url, ...(tokenFile === undefined ? {} : { tokenFile: resolve(tokenFile) }) },
  ])
  writeFileSync(draft, `${JSON.stringify(Object.fromEntries(whole), null, 2)}\n`, { mode: 0o600 })
  renameSync(draft, file)
}
