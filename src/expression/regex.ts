/** Regular expressions as JSONata has them: functions from text to a match that knows the next one. */

export type Match = {
  match: string
  start: number
  end: number
  groups: (string | undefined)[]
  next(): Match | undefined
}
type Matcher = (text: string, from?: number) => Match | undefined

/** `position` is where the literal stands. The state of the search belongs to the matcher, so each evaluation makes its own. */
export function matcherOf(pattern: RegExp, position: number | undefined): Matcher {
  const regex = new RegExp(pattern)
  const matcher = (text: string, from?: number): Match | undefined => {
    regex.lastIndex = from || 0
    const found = regex.exec(text)
    if (!found) return undefined
    const [match, ...groups] = found
    const next = () => {
      if (regex.lastIndex >= text.length) return undefined
      const following = matcher(text, regex.lastIndex)
      // It would match there for ever.
      if (following?.match === '') throw { code: 'D1004', position, value: pattern.source }
      return following
    }
    return { match, start: found.index, end: found.index + match.length, groups, next }
  }
  return matcher
}

/** One character: a class, an escaped class or sign, or a character that means itself; it may repeat with `+`. */
const ATOM = /(?:\[\^?(?:[^\]\\]|\\[^bB])+\]|\\[dDwWsS./\\+*?()[\]{}|^$-]|[^\\[\](){}*+?|^$.])\+?/y

/** True only when the expression cannot match an empty text; then JavaScript's own `replace` does what JSONata does. */
export function alwaysConsumes(pattern: RegExp): boolean {
  ATOM.lastIndex = 0
  let end = 0
  while (ATOM.test(pattern.source)) end = ATOM.lastIndex
  return end > 0 && end === pattern.source.length
}
