/** Whether a request carries only what the vendor knows. */
import type { Route, ValueKind } from './description.ts'
import { isItem } from './paths.ts'
import { Refusal } from './problem.ts'
import type { Call } from './request.ts'
import { faultOf } from './value-kinds.ts'

/** Throws a refusal for an unknown or wrong query parameter or member of the body; what is not declared is not looked at. */
export function checkParameters(route: Route, call: Call, ignores: string[]): void {
  check(route.query ?? {}, call.query, 'parameter', true, ignores)
  if (route.body === undefined) return
  if (call.body !== undefined && !isItem(call.body))
    throw new Refusal('invalid', { reason: 'body', message: 'The body is not an object' }, true)
  check(route.body, (call.body as Record<string, unknown> | undefined) ?? {}, 'member of the body', call.form, ignores)
}

function check(
  known: Record<string, ValueKind>,
  given: Record<string, unknown>,
  what: string,
  text: boolean,
  ignores: string[],
): void {
  for (const [name, value] of Object.entries(given)) {
    const kind = known[name] ?? known['*']
    if (kind === undefined) {
      if (ignores.includes(name)) continue
      throw new Refusal(
        'invalid',
        { reason: 'parameter', field: name, value, message: `${name} is not a known ${what}` },
        true,
      )
    }
    const fault = faultOf(kind, value, text)
    if (fault)
      throw new Refusal(
        'invalid',
        { reason: 'parameter', field: name, value, message: `${what} ${name} ${fault}` },
        true,
      )
  }
  for (const [name, kind] of Object.entries(known))
    if (typeof kind === 'string' && kind.endsWith('!') && given[name] === undefined)
      throw new Refusal('invalid', { reason: 'required', field: name, message: `${what} ${name} is missing` }, true)
}
