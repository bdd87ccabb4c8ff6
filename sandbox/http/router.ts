import type { Answer } from './answer.ts'
import type { Call } from './call.ts'
import { Refusal } from './refusal.ts'

export type Handler = (call: Call) => Answer | Promise<Answer>
/** `open`: needs no credentials. `streaming`: reads the body itself. */
export type RouteOptions = { open?: boolean; streaming?: boolean }
export type Route = { method: string; pattern: RegExp; names: string[]; handler: Handler; options: RouteOptions }

/** Paths with `:name` parts. The first route that fits wins. */
export class Router {
  readonly #routes: Route[] = []

  on(method: string, path: string, handler: Handler, options: RouteOptions = {}): this {
    const names: string[] = []
    const pattern = path.replace(/[.$]/g, '\\$&').replace(/:(\w+)/g, (_whole, name: string) => {
      names.push(name)
      return '([^/]+)'
    })
    this.#routes.push({ method, pattern: new RegExp(`^${pattern}$`), names, handler, options })
    return this
  }

  /** The route of a call, with the call's parameters filled in; refuses with 404 or 405. */
  match(call: Call): Route {
    let known = false
    for (const route of this.#routes) {
      const found = route.pattern.exec(call.path)
      if (found === null) continue
      known = true
      if (route.method !== call.method) continue
      call.params = Object.fromEntries(route.names.map((name, i) => [name, decode(found[i + 1] ?? '')]))
      return route
    }
    if (known) throw new Refusal(405, 'method_not_allowed', `${call.method} is not possible here`)
    throw new Refusal(404, 'not_found', `There is nothing at ${call.path}`)
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new Refusal(400, 'malformed', 'The path is not valid percent-encoding')
  }
}
