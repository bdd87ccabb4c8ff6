import { SETTING_NAMES, SETTINGS, type SettingName, variablesOf } from './settings.ts'

const HEAD = `# Settings

Printed by \`node scripts/print-settings.ts\` from \`src/config/settings.ts\`; not written by hand.

A setting is taken from the first of: command-line flag, environment variable, section \`hub:\` of \`causeway.yaml\`, default.
Secret settings can also be read from a file whose path stands in \`<VARIABLE>_FILE\`; in \`causeway.yaml\` they are given as
\`\${VARIABLE}\`, never literally. Variables that are set to nothing count as absent.
`

/** The reference page of the settings. */
export function settingsPage(): string {
  return [HEAD, ...SETTING_NAMES.map(entry)].join('\n')
}

function entry(name: SettingName): string {
  const field = SETTINGS[name]
  const variables = variablesOf(name).map((variable) => `\`${variable}\``)
  const absent = field.default === null
  return [
    `## \`${name}\``,
    '',
    field.description,
    '',
    `- value: ${field.kind}`,
    `- default: ${absent ? 'none' : `\`${String(field.default)}\``}`,
    `- environment: ${variables.join(', then ')}${field.secret ? '; secret, also `_FILE`' : ''}`,
    '',
  ].join('\n')
}
