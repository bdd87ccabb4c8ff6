import { explainHub, type HubConfig, SETTINGS, type SettingName } from '../config/index.ts'
import type { Setting } from '../http/index.ts'

const PREFIX = 'hub.'

/** The settings of this process for people: those of connections stand at the connections. */
export const describeSettings = (config: HubConfig): Setting[] =>
  explainHub(config)
    .filter(({ key }) => key.startsWith(PREFIX))
    .map(({ key, value, from, where }) => {
      const name = key.slice(PREFIX.length)
      return {
        name,
        value: value === null ? null : String(value),
        from,
        where,
        description: SETTINGS[name as SettingName].description,
      }
    })
