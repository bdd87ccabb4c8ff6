import { useSyncExternalStore } from 'react'

const watchers = new Set<() => void>()
const notify = (): void => {
  for (const watcher of watchers) watcher()
}
window.addEventListener('popstate', notify)

const subscribe = (watcher: () => void): (() => void) => {
  watchers.add(watcher)
  return () => watchers.delete(watcher)
}

export type Place = { path: string; query: URLSearchParams }

/** Where we are. Filters and what is looked at stand in the address, so that reload, back and a sent link show the same. */
export function usePlace(): Place {
  const address = useSyncExternalStore(subscribe, () => location.pathname + location.search)
  const [path = '/', query = ''] = address.split('?', 2)
  return { path, query: new URLSearchParams(query) }
}

export function go(address: string, options: { replace?: boolean } = {}): void {
  if (address === location.pathname + location.search) return
  if (options.replace) history.replaceState(null, '', address)
  else history.pushState(null, '', address)
  notify()
}

/** Filters of a list in the address: `read` gives null for what is not set, `set` changes some and keeps the rest. */
export function useFilters<Name extends string>(
  names: readonly Name[],
): {
  values: Record<Name, string | null>
  any: boolean
  set: (changes: Partial<Record<Name, string | null>>) => void
  clear: () => void
} {
  const { path, query } = usePlace()
  const values = Object.fromEntries(names.map((name) => [name, query.get(name) || null])) as Record<Name, string | null>
  const set = (changes: Partial<Record<Name, string | null>>): void => {
    const next = new URLSearchParams(query)
    for (const [name, value] of Object.entries<string | null | undefined>(changes)) {
      if (value) next.set(name, value)
      else next.delete(name)
    }
    const text = next.toString()
    go(text ? `${path}?${text}` : path, { replace: true })
  }
  return {
    values,
    any: names.some((name) => values[name] !== null),
    set,
    clear: () => set(Object.fromEntries(names.map((name) => [name, null])) as Record<Name, null>),
  }
}
