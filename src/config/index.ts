export { type ConnectionConfig, connectionNamed } from './connection.ts'
export { checkHub, HUB_FILE, type HubConfig, type HubInput, loadHub } from './hub-file.ts'
export { hubFileSchema } from './hub-schema.ts'
export {
  type Environment,
  type LoadedSettings,
  loadSettings,
  maskedSettings,
  type SettingSource,
} from './load-settings.ts'
export { parseReference, resolveSecret, type SecretReference, type SecretSources } from './secrets.ts'
export { SETTING_NAMES, SETTINGS, type SettingName, type Settings } from './settings.ts'
export { settingsPage } from './settings-page.ts'
