import { useSyncExternalStore } from 'react'
import { Signal } from './signal.ts'

/** Whether the page follows the hub; reading or copying is easier when it holds still (WCAG 2.2.2). */
export const live = new Signal(true)
export const useLive = (): boolean => useSyncExternalStore(live.subscribe, live.get)

/** How often somebody did something on this page that changes what it shows: an action, or other rows. */
export const acted = new Signal(0)

/** True while text is selected in what the page shows: an answer that came now would take it away. */
export const selecting = new Signal(false)
export const useSelecting = (): boolean => useSyncExternalStore(selecting.subscribe, selecting.get)

/** Whether text is selected in a part of the page. */
export function isSelectedIn(element: Element): boolean {
  const selection = document.getSelection()
  return selection !== null && !selection.isCollapsed && selection.getRangeAt(0).intersectsNode(element)
}

document.addEventListener('selectionchange', () => {
  const main = document.getElementById('main')
  selecting.set(main !== null && isSelectedIn(main))
})
