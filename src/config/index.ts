export { type AlertKind, type AlertRoute, type SmtpServer, secretOfRoute } from './alerts.ts'
export type { AnalyticsConfig } from './analytics.ts'
export { type ConnectionConfig, connectionNamed } from './connection.ts'
export { type ExplainedValue, explainHub, shownSetting } from './explain.ts'
export { checkHub, HUB_FILE, type HubConfig, loadHub } from './hub-file.ts'
export { hubFileSchema } from './hub-schema.ts'
export {
  type Environment,
  loadSettings,
  maskedSettings,
} from './load-settings.ts'
export { resolveSecret, type SecretReference, type SecretSources } from './secrets.ts'
export { SETTING_NAMES, SETTINGS, type SettingName, type Settings } from './settings.ts'
export { settingsPage } from './settings-page.ts'
