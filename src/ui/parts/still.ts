import { type RefObject, useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { acted, isSelectedIn } from '../api/live.ts'
import { usePlace } from '../routing/place.ts'

/** How long a list stays free to move after what somebody did has shown in it. */
const SETTLE_MS = 2_000

type Still<Row> = {
  rows: readonly Row[]
  /** Rows that have come and are not shown yet. */
  waiting: number
  /** Whether a row is shown although it is not in the list any more. */
  isGone(row: Row): boolean
  /** Shows everything as it is now. */
  release(): void
}

/**
 * Keeps rows where they are while somebody reads them: the pointer or the focus is on them, text is selected in them, or their beginning is
 * scrolled away. They are still brought up to date, each in its place; new ones wait, those that went stay. What somebody does or filters shows at once.
 */
export function useStill<Row>(
  rows: readonly Row[],
  keyOf: (row: Row) => string | number,
  place: RefObject<HTMLElement | null>,
): Still<Row> {
  const [held, setHeld] = useState<readonly Row[] | null>(null)
  const keys = rows.map(keyOf).join(' ')
  const isFree = useFreedom(keys)
  const isHolding = useReading(place) && !isFree
  const latest = useRef(rows)
  latest.current = rows
  useEffect(() => setHeld(isHolding ? latest.current : null), [isHolding])
  if (held === null || !isHolding) return { rows, waiting: 0, isGone: () => false, release: () => undefined }
  const there = new Map(rows.map((row) => [keyOf(row), row]))
  const known = new Set(held.map(keyOf))
  const end = rows.findLastIndex((row) => known.has(keyOf(row)))
  return {
    // What follows the last one moves nothing: older rows that were asked for.
    rows: [...held.map((row) => there.get(keyOf(row)) ?? row), ...(end < 0 ? [] : rows.slice(end + 1))],
    waiting: (end < 0 ? rows : rows.slice(0, end)).filter((row) => !known.has(keyOf(row))).length,
    isGone: (row) => !there.has(keyOf(row)),
    release: () => setHeld(rows),
  }
}

function useReading(place: RefObject<HTMLElement | null>): boolean {
  const [reading, setReading] = useState(false)
  useEffect(() => {
    const element = place.current
    if (!element) return
    let isPointed = false
    const look = (): void => {
      const isScrolled = element.getBoundingClientRect().top < 0
      setReading(isPointed || isScrolled || isSelectedIn(element) || element.contains(document.activeElement))
    }
    const point = ({ type }: Event): void => {
      isPointed = type === 'pointerenter'
      look()
    }
    // Between two elements nothing has the focus for a moment.
    const lookLater = (): void => void setTimeout(look)
    const heard: [EventTarget, string, (event: Event) => void][] = [
      [element, 'pointerenter', point],
      [element, 'pointerleave', point],
      [element, 'focusin', look],
      [element, 'focusout', lookLater],
      [document, 'selectionchange', look],
      [window, 'scroll', look],
    ]
    for (const [target, event, listener] of heard) target.addEventListener(event, listener, { passive: true })
    return () => {
      for (const [target, event, listener] of heard) target.removeEventListener(event, listener)
    }
  }, [place])
  return reading
}

/** True from something that somebody did, or another filter, until what came of it has shown and settled. */
function useFreedom(keys: string): boolean {
  const acts = useSyncExternalStore(acted.subscribe, acted.get)
  const { path, query } = usePlace()
  const cause = `${acts} ${path}?${query}`
  const [freed, setFreed] = useState<{ cause: string; keys: string | null }>({ cause, keys: null })
  if (freed.cause !== cause) setFreed({ cause, keys })
  const hasShown = freed.keys !== null && freed.keys !== keys
  useEffect(() => {
    if (!hasShown) return
    const timer = setTimeout(() => setFreed((now) => ({ ...now, keys: null })), SETTLE_MS)
    return () => clearTimeout(timer)
  }, [hasShown])
  return freed.keys !== null
}
