import { type ReactNode, useSyncExternalStore } from 'react'
import { Signal } from '../api/signal.ts'

type Others = { pages: Record<string, () => ReactNode> | null; failed: boolean }

const AGAIN_MS = 4_000
const others = new Signal<Others>({ pages: null, failed: false })
let asked = false

/** Every page but home: read after home stands, at once when one of them is asked for. */
export const useOthers = (): Others => useSyncExternalStore(others.subscribe, others.get)

/**
 * Gets the other pages, and tries on where the hub does not give them. A hub that answers again without giving them has others by
 * now, or the browser remembers the failure: then whoever waits for a page gets it by loading all anew.
 */
export async function getOthers(): Promise<void> {
  if (asked) return
  asked = true
  for (;;) {
    try {
      const { OTHERS } = await import('./others.ts')
      return others.set({ pages: OTHERS, failed: false })
    } catch {
      if (others.value.failed && location.pathname !== '/') location.reload()
      others.set({ pages: null, failed: true })
      do await new Promise((done) => setTimeout(done, AGAIN_MS))
      while (!(await answers()))
    }
  }
}

const answers = (): Promise<boolean> =>
  fetch('/livez').then(
    ({ ok }) => ok,
    () => false,
  )

/** Gets them when nothing else is to be done, so that a hub that is gone later leaves no page out. */
export const getOthersLater = (): void => void requestIdleCallback(() => void getOthers(), { timeout: 3_000 })
