/** Lines that somebody relied on and that are no more. A line that changed is one that went and one that came. */
export const goneFrom = (before: readonly string[], after: readonly string[]): string[] => {
  const there = new Set(after)
  return before.filter((line) => !there.has(line))
}

/** Those of them that no entry of the changelog names; what stands above the released version is what came after it. */
export function unmentioned(gone: readonly string[], changelog: string, released: string): string[] {
  const since = changelog.split(new RegExp(`^## ${released.replaceAll('.', '\\.')}(?![\\d.])`, 'm'))[0]!
  return gone.filter((line) => !since.includes(`\`${nameIn(line)}\``))
}

/** What a person would call it: the flag, the code, the key, the metric. */
const nameIn = (line: string): string =>
  line
    .replace(/ [<[].*$/, '')
    .split(' ')
    .at(-1)!
