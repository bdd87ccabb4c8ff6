import { useSyncExternalStore } from 'react'
import { Signal } from './signal.ts'

/** Since when nothing answers; null while the hub answers. */
const silentSince = new Signal<Date | null>(null)

/** Any answer of the hub itself, also a refusal, shows that it is there. */
export const noteAnswer = (): void => silentSince.set(null)
export const noteSilence = (): void => {
  if (silentSince.value === null) silentSince.set(new Date())
}
export const useSilentSince = (): Date | null => useSyncExternalStore(silentSince.subscribe, silentSince.get)
