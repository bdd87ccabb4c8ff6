import { useSyncExternalStore } from 'react'
import { Signal } from '../api/signal.ts'
import { go } from '../routing/place.ts'

/** In which zone times are shown: the browser's, or the one of logs. */
export type Zone = 'local' | 'utc'

/** Kept by the browser, and told in the address, so that a link that is sent shows the same. */
const NAME = 'zone'
const KEPT = 'causeway.zone'

const asked = new URLSearchParams(location.search).get(NAME) ?? localStorage.getItem(KEPT)
const zone = new Signal<Zone>(asked === 'utc' ? 'utc' : 'local')

export const currentZone = zone.get
export const useZone = (): Zone => useSyncExternalStore(zone.subscribe, zone.get)

export function setZone(wanted: Zone): void {
  localStorage.setItem(KEPT, wanted)
  zone.set(wanted)
  const query = new URLSearchParams(location.search)
  query.set(NAME, wanted)
  go(`${location.pathname}?${query}`, { replace: true })
}
