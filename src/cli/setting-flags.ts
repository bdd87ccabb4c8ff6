/** Every setting as a flag of the commands that are a hub, made from the one list that file and environment are read by. */
import type { Command } from 'commander'
import { SETTING_NAMES, SETTINGS, type SettingName } from '../config/index.ts'

export type SettingFlags = Partial<Record<SettingName, unknown>>

/**
 * Adds a flag for each setting. Secrets have one that names a file: what stands on a command line is seen by every user of the
 * machine.
 */
export function addSettingFlags(command: Command, names: readonly SettingName[] = SETTING_NAMES): Command {
  for (const name of names) {
    const { description, kind, secret } = SETTINGS[name]
    const value = kind === 'true or false' ? '[true|false]' : secret ? '<file>' : '<value>'
    const text = secret ? `File that holds it. ${description}` : description
    command.addOption(command.createOption(`${flagOf(name)} ${value}`, text).helpGroup('Settings:'))
  }
  return command
}

const flagOf = (name: SettingName): string => `--${name.replaceAll('_', '-')}${SETTINGS[name].secret ? '-file' : ''}`

/** Those that were given. */
export function settingFlags(options: Readonly<Record<string, unknown>>): SettingFlags {
  const given = SETTING_NAMES.map((name) => [name, options[optionOf(name)]] as const)
  return Object.fromEntries(given.filter(([, value]) => value !== undefined))
}

/** As commander calls the value of a flag. */
const optionOf = (name: SettingName): string =>
  flagOf(name)
    .slice(2)
    .replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
