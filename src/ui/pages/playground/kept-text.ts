/** Texts somebody works on, by sync: a reload or a look at another page must not lose them. Gone with the tab. */
const keyOf = (sync: string): string => `causeway.playground.${sync}`

export const keptText = (sync: string): string | null => sessionStorage.getItem(keyOf(sync))

/** Null forgets it. */
export function keepText(sync: string, text: string | null): void {
  if (text === null) sessionStorage.removeItem(keyOf(sync))
  else sessionStorage.setItem(keyOf(sync), text)
}
