import { errorRegistry, isObject, nearestName } from '../core/index.ts'
import type { Api } from './remote-api.ts'

/** Filters that name something of the hub, with the list in which it stands and what it is called there. */
const LISTS: Readonly<Record<string, { path: string; name: string }>> = {
  sync: { path: '/api/v1/syncs?limit=500', name: 'name' },
  connection: { path: '/api/v1/connections?limit=500', name: 'name' },
  stream: { path: '/api/v1/streams?limit=500', name: 'address' },
}
const MOST_SHOWN = 12

/**
 * The same API, which says so where nothing was found for a filter that names what is not there. That is no error, for what is gone may
 * have left runs and letters behind; but "No dead letters." alone would calm whoever misspelt the sync.
 */
export function pointingOutUnknown(api: Api, note: (text: string) => void): Api {
  return {
    ...api,
    async call(method, path, body) {
      const text = await api.call(method, path, body)
      if (isNothing(text)) for (const [filter, name] of namesIn(path, body)) await pointOut(api, filter, name, note)
      return text
    },
  }
}

/** An empty list, or a count of none before a bulk action. Long answers are not read for it. */
function isNothing(text: string): boolean {
  if (text.length > 1_000) return false
  const answer: unknown = JSON.parse(text)
  return isObject(answer) && ((Array.isArray(answer.items) && answer.items.length === 0) || answer.count === 0)
}

function namesIn(path: string, body?: object): [string, string][] {
  const filter = isObject(body) && isObject(body.filter) ? body.filter : {}
  return [...new URL(path, 'http://hub').searchParams, ...Object.entries(filter)].flatMap(([key, value]) =>
    typeof value === 'string' ? [[key, value] as [string, string]] : [],
  )
}

async function pointOut(api: Api, filter: string, name: string, note: (text: string) => void): Promise<void> {
  const known = await knownOf(api, filter, name).catch(() => undefined)
  if (!known || known.includes(name)) return
  const near = nearestName(name, known)
  const some = known.length > MOST_SHOWN || filter === 'code' ? '' : ` Known: ${known.join(', ') || 'none'}.`
  note(`There is no ${filter} ${JSON.stringify(name)}.${near ? ` Did you mean "${near}"?` : some}`)
}

/** Undefined where nothing can be said: the filter names nothing of the hub, or streams by their short name. */
async function knownOf(api: Api, filter: string, name: string): Promise<string[] | undefined> {
  if (filter === 'code') return Object.keys(errorRegistry)
  const list = Object.hasOwn(LISTS, filter) ? LISTS[filter] : undefined
  if (!list || (filter === 'stream' && !name.includes(':'))) return undefined
  const { items, next } = JSON.parse(await api.call('GET', list.path)) as {
    items: Record<string, string>[]
    next?: string | null
  }
  return next ? undefined : items.map((item) => item[list.name]!)
}
