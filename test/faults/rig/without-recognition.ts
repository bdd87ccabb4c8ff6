/** Loaded into a hub with `--import`: takes the recognition of its own writes out of two-way syncs. */
import { registerHooks } from 'node:module'

const SWITCH = 'lane.ports.knowsEchoes === false'

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context)
    if (!url.includes('/src/pipeline/') || !loaded.source) return loaded
    const text = loaded.source.toString()
    return text.includes(SWITCH) ? { ...loaded, source: text.replaceAll(SWITCH, 'true') } : loaded
  },
})
