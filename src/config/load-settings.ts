/** Settings from flags, environment, file and defaults, in this order, with the place each value came from. */
import { readFileSync } from 'node:fs'
import { type Finding, nearestName, type Place } from '../core/index.ts'
import { BadValue } from './fields.ts'
import { SETTING_NAMES, SETTINGS, type SettingName, type Settings, variablesOf } from './settings.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Where a value came from, for `config --explain`. */
type SettingSource =
  | { from: 'default' }
  | { from: 'file'; place: Place }
  | { from: 'environment'; variable: string }
  | { from: 'flag' }

export type LoadedSettings = {
  settings: Settings
  sources: Record<SettingName, SettingSource>
  findings: Finding[]
}

/** Values of the `hub:` section with their places; `${NAME}` is replaced already. */
export type FileSettings = Partial<Record<SettingName, { value: unknown; place: Place }>>

type Raw = { value: unknown; source: SettingSource; place: Place; called: string }

/**
 * Reads every setting and collects what is wrong. Settings that are wrong have their default in the result. `flags` of secrets
 * name the file that holds them.
 */
export function loadSettings(input: {
  env: Environment
  file?: FileSettings
  flags?: Partial<Record<SettingName, unknown>>
}): LoadedSettings {
  const findings: Finding[] = unknownVariables(input.env)
  const settings: Record<string, unknown> = {}
  const sources = {} as Record<SettingName, SettingSource>
  for (const name of SETTING_NAMES) {
    settings[name] = SETTINGS[name].default
    sources[name] = { from: 'default' }
    try {
      const raw = rawOf(name, input)
      if (!raw) continue
      settings[name] = parsed(name, raw)
      sources[name] = raw.source
    } catch (error) {
      if (!(error instanceof SettingFault)) throw error
      findings.push(error.finding)
    }
  }
  return { settings: settings as Settings, sources, findings }
}

/** The first value that somebody gave. */
function rawOf(name: SettingName, { env, file, flags }: Parameters<typeof loadSettings>[0]): Raw | null {
  const flagged = flags?.[name]
  if (flagged !== undefined) {
    const { secret } = SETTINGS[name]
    const flag = `--${name.replaceAll('_', '-')}${secret ? '-file' : ''}`
    const value = secret ? secretFile(flag, String(flagged)) : flagged
    return { value, source: { from: 'flag' }, place: { file: flag }, called: flag }
  }
  return fromEnvironment(name, env) ?? fromFile(name, file)
}

function fromEnvironment(name: SettingName, env: Environment): Raw | null {
  for (const variable of variablesOf(name)) {
    const source = (from: string): Pick<Raw, 'source' | 'place' | 'called'> => ({
      source: { from: 'environment', variable: from },
      place: { file: from },
      called: from,
    })
    // Compose files and shells leave variables behind that are set to nothing.
    const value = env[variable]
    if (value) return { value, ...source(variable) }
    const path = SETTINGS[name].secret ? env[`${variable}_FILE`] : undefined
    if (path) return { value: secretFile(`${variable}_FILE`, path), ...source(`${variable}_FILE`) }
  }
  return null
}

function secretFile(variable: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable'
    throw new SettingFault({
      severity: 'error',
      code: 'CSW-1003',
      message: `${variable} names the file ${path}, which cannot be read (${code})`,
      fix: 'Create the file, or correct the path or its permissions.',
      place: { file: variable },
    })
  }
}

function fromFile(name: SettingName, file: FileSettings | undefined): Raw | null {
  const entry = file?.[name]
  if (!entry || entry.value === null || entry.value === '') return null
  const { value, place } = entry
  return { value, source: { from: 'file', place }, place, called: `hub.${name}` }
}

function parsed(name: SettingName, { value, place, called }: Raw): unknown {
  try {
    return SETTINGS[name].parse(value)
  } catch (error) {
    if (!(error instanceof BadValue)) throw error
    throw new SettingFault({
      severity: 'error',
      code: 'CSW-1002',
      message: `${called} ${error.message}`,
      fix: `Correct it; docs/settings.md describes \`${name}\`.`,
      place,
    })
  }
}

/** Carries a finding out of the depth of one setting; never leaves this file. */
class SettingFault extends Error {
  readonly finding: Finding
  constructor(finding: Finding) {
    super(finding.message)
    this.finding = finding
  }
}

/** A misspelt variable would otherwise be ignored in silence. Only near misses are named: the prefix is not ours alone. */
function unknownVariables(env: Environment): Finding[] {
  const known = SETTING_NAMES.flatMap(variablesOf)
  const accepted = new Set([...known, ...known.map((name) => `${name}_FILE`)])
  return Object.keys(env).flatMap((name) => {
    if (!name.startsWith('CAUSEWAY_') || accepted.has(name)) return []
    const near = nearestName(name, accepted)
    if (!near) return []
    return {
      severity: 'warning',
      code: 'CSW-1002',
      message: `the environment variable ${name} is not a setting`,
      fix: `Did you mean ${near}?`,
      place: { file: name },
    }
  })
}

/** Settings as they may be shown: secrets as `[secret]`, absent ones as null. */
export function maskedSettings(settings: Settings): Record<SettingName, unknown> {
  return Object.fromEntries(
    SETTING_NAMES.map((name) => [name, SETTINGS[name].secret && settings[name] !== null ? '[secret]' : settings[name]]),
  ) as Record<SettingName, unknown>
}
