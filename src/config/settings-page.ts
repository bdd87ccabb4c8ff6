import { SETTING_NAMES, SETTINGS, type SettingName, variablesOf } from './settings.ts'

const HEAD = `# Settings

Printed by \`node scripts/print-settings.ts\` from \`src/config/settings.ts\`; not written by hand.

A setting is taken from the first of: command-line flag, environment variable, section \`hub:\` of \`causeway.yaml\`, default.
\`start\`, \`serve\`, \`worker\`, \`migrate\` and \`config explain\` take every one as a flag of its name: \`database_sessions\` as
\`--database-sessions\`. Secret settings can also be read from a file whose path stands in \`<VARIABLE>_FILE\`, and as a flag only from
a file (\`--admin-token-file\`), because every user of a machine sees its command lines; in \`causeway.yaml\` they are given as
\`\${VARIABLE}\`, never literally. Variables that are set to nothing count as absent. \`causeway config explain\` says where each came from.
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
