import { live } from '../api/live.ts'
import { Signal } from '../api/signal.ts'
import { PAGES } from '../routing/pages.ts'
import { go } from '../routing/place.ts'
import { t } from '../texts/index.ts'
import { currentRow, moveAmongRows, openRow } from './rows.ts'

const KEPT = 'causeway.single-keys'

/** Who dictates or touches keys by accident switches them off (WCAG 2.1.4). */
export const singleKeys = new Signal(localStorage.getItem(KEPT) !== 'off')

export function setSingleKeys(on: boolean): void {
  localStorage.setItem(KEPT, on ? 'on' : 'off')
  singleKeys.set(on)
}

/** Whether the list of keys is shown. */
export const keysShown = new Signal(false)

type Key = { key: string; does: string; act: () => void }

/** What single keys do; those of pages follow `g`. */
export const KEYS: Key[] = [
  { key: '?', does: t('keys.showTheseKeys'), act: () => keysShown.set(true) },
  { key: 'j', does: t('keys.nextRow'), act: () => moveAmongRows(1) },
  { key: 'k', does: t('keys.rowBefore'), act: () => moveAmongRows(-1) },
  { key: 'o', does: t('keys.openTheRowEnterDoes'), act: openRow },
  { key: '/', does: t('keys.findARecord'), act: () => focusOn('header input[type=search]') },
  { key: 'f', does: t('keys.filterTheList'), act: () => focusOn('main search input, main search select') },
  { key: 'r', does: t('keys.tryAgainOrRunOf'), act: () => press('r') },
  { key: '.', does: t('keys.holdThePageStillOr'), act: () => live.set(!live.value) },
]

/** Listens from the first page on; what is pressed while somebody types, or with a dialog open, is left alone. */
export function listenToKeys(): () => void {
  document.addEventListener('keydown', onKey)
  return () => document.removeEventListener('keydown', onKey)
}

/** After `g` a page is chosen, if the second key comes soon enough to be meant. */
const CHOICE_MS = 2_000
let choosesPageUntil = 0

function onKey(event: KeyboardEvent): void {
  if (!singleKeys.value || event.defaultPrevented || event.isComposing || isTaken(event)) return
  const chooses = event.timeStamp < choosesPageUntil
  choosesPageUntil = 0
  if (chooses) goToPage(event)
  else if (event.key === 'g') choosesPageUntil = event.timeStamp + CHOICE_MS
  else if (event.key !== 'Enter') actOn(event)
  // On a link or button inside of a row the browser does what it does.
  else if (isRowItself()) openRow()
}

const isRowItself = (): boolean => document.activeElement !== null && document.activeElement === currentRow()

function actOn(event: KeyboardEvent): void {
  const found = KEYS.find(({ key }) => key === event.key)
  if (!found) return
  event.preventDefault()
  found.act()
}

function goToPage(event: KeyboardEvent): void {
  const page = PAGES.find(({ key }) => key === event.key)
  if (!page) return
  event.preventDefault()
  go(page.href)
  window.scrollTo(0, 0)
}

const WRITTEN_IN =
  'input:not([type=checkbox], [type=radio], [type=button], [type=submit]), textarea, select, [contenteditable]:not([contenteditable=false])'

function isTaken({ ctrlKey, metaKey, altKey, target }: KeyboardEvent): boolean {
  if (ctrlKey || metaKey || altKey) return true
  if (target instanceof Element && target.closest(WRITTEN_IN)) return true
  return document.querySelector('[role=dialog]') !== null
}

function focusOn(selector: string): void {
  const field = [...document.querySelectorAll<HTMLElement>(selector)].find((each) => each.getClientRects().length > 0)
  field?.focus()
}

/**
 * Presses the button that names this key (`aria-keyshortcuts`): of the row that is looked at, else of the page. One that asks nothing
 * before it acts only gets the focus: a single key may be a slip.
 */
function press(key: string): void {
  const named = `[aria-keyshortcuts="${key}"]`
  const ofRow = currentRow()?.querySelector<HTMLElement>(named)
  const ofPage = [...document.querySelectorAll<HTMLElement>(`main ${named}`)].find((each) => !each.closest('tr'))
  const button = ofRow ?? ofPage
  button?.focus()
  if (button?.ariaHasPopup === 'dialog') button.click()
}
