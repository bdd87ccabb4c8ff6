/** Where a value of a conflict stands: `address.city` leads into an object, and a name with a dot of its own stands in back quotes. */

export const pathOf = (steps: readonly string[]): string =>
  steps.map((step) => (/[.`]/.test(step) ? `\`${step.replaceAll('`', '``')}\`` : step)).join('.')

export function stepsOf(path: string): string[] {
  const steps = ['']
  const add = (char: string): void => {
    steps[steps.length - 1] += char
  }
  let quoted = false
  let before = ''
  for (const char of path) {
    if (char === '`') {
      // Closed and opened again at once: a back quote of the name itself.
      if (!quoted && before === '`') add(char)
      quoted = !quoted
    } else if (char === '.' && !quoted) steps.push('')
    else add(char)
    before = char
  }
  return steps
}

/** The top-level field that a path begins with. */
export const topOf = (path: string): string => stepsOf(path)[0]!

/** The field of a value inside an object; nothing for a value that is the whole field. */
export const partlyOf = (path: string): string[] => stepsOf(path).slice(0, -1).slice(0, 1)
