import { useSyncExternalStore } from 'react'
import { Signal } from '../api/signal.ts'
import { go } from '../routing/place.ts'

/** In which zone times are shown: `local` (the browser's), `utc` (that of logs), or a name of the IANA database. */
export type Zone = string

/** Kept by the browser, and told in the address, so that a link that is sent shows the same. */
const NAME = 'zone'
const KEPT = 'causeway.zone'

/** As `Intl` wants it. */
export const timeZoneOf = (wanted: Zone): string | undefined =>
  wanted === 'local' ? undefined : wanted === 'utc' ? 'UTC' : wanted

const asked = new URLSearchParams(location.search).get(NAME) ?? localStorage.getItem(KEPT)
const zone = new Signal<Zone>(asked !== null && isKnown(asked) ? asked : 'local')

/** Browsers know more names than they list: a link may hold an older one. */
function isKnown(name: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat(undefined, { timeZone: timeZoneOf(name) }))
  } catch {
    return false
  }
}

export const currentZone = zone.get
export const useZone = (): Zone => useSyncExternalStore(zone.subscribe, zone.get)

export function setZone(wanted: Zone): void {
  localStorage.setItem(KEPT, wanted)
  zone.set(wanted)
  const query = new URLSearchParams(location.search)
  query.set(NAME, wanted)
  go(`${location.pathname}?${query}`, { replace: true })
}
