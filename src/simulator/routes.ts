/** Which route a request takes: `GET /contacts/{id}`, `POST /{type=contacts|companies}/search`, `GET /query (soql)`. */
import type { Description, Route } from './description.ts'
import type { Expressions, Names } from './expressions.ts'

export type Taken = { key: string; route: Route; params: Record<string, string> }
type Pattern = { key: string; route: Route; method: string; path: RegExp; names: string[] }

export class Routes {
  private readonly patterns: Pattern[]

  constructor(routes: Description['routes']) {
    this.patterns = Object.entries(routes).map(([key, route]) => patternOf(key, route))
  }

  /** The first route whose method, path and `when` fit. Patterns without names go before those with. */
  async take(method: string, path: string, names: Names, expressions: Expressions): Promise<Taken | null> {
    for (const pattern of this.patterns) {
      if (pattern.method !== method) continue
      const found = pattern.path.exec(path)
      if (!found) continue
      const params = Object.fromEntries(
        pattern.names.map((name, index) => [name, decodeURIComponent(found[index + 1]!)]),
      )
      if (pattern.route.when && (await expressions.evaluate(pattern.route.when, { ...names, path: params })) !== true)
        continue
      return { key: pattern.key, route: pattern.route, params }
    }
    return null
  }

  /** Methods known for a path: a wrong one is another mistake than a wrong path. */
  methodsOf(path: string): string[] {
    return this.patterns.filter((pattern) => pattern.path.test(path)).map(({ method }) => method)
  }
}

function patternOf(key: string, route: Route): Pattern {
  const [, method, path] = /^([A-Z]+) (\S+)(?: \(.+\))?$/.exec(key) ?? []
  if (!method || !path)
    throw new Error(`A route is written "GET /path" (with a note in brackets behind it), not "${key}".`)
  const names: string[] = []
  const source = path.split(/(\{[^}]+\})/).map((part) => {
    const named = /^\{(\w+)(?:=([^}]+))?\}$/.exec(part)
    if (!named) return part.replace(/[.*+?^$()|[\]\\]/g, '\\$&')
    names.push(named[1]!)
    return named[2] === '*' ? '(.+)' : `(${named[2] ?? '[^/]+'})`
  })
  return { key, route, method, path: new RegExp(`^${source.join('')}$`), names }
}
