import { randomBytes } from 'node:crypto'
import { CausewayError } from '../core/index.ts'
import type { Preview } from './tool.ts'

/** Long enough for a person to read a preview, short enough that it still says what is. */
export const TOKEN_MS = 5 * 60_000
/** Previews that nobody confirms do not gather: the oldest goes. */
const MAX_KEPT = 100

type Kept = { tool: string; arguments: string; preview: Preview; until: number }

/** Previews that may be carried out: each once, soon, and only as it was shown. Kept in this process, so they end with the session. */
export class PreviewTokens {
  readonly #kept = new Map<string, Kept>()
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** A token for a preview of this tool with these arguments. */
  give(tool: string, given: object, preview: Preview): string {
    const token = randomBytes(24).toString('base64url')
    this.#kept.set(token, { tool, arguments: spelled(given), preview, until: this.#now() + TOKEN_MS })
    if (this.#kept.size > MAX_KEPT) this.#kept.delete(this.#kept.keys().next().value!)
    return token
  }

  /**
   * The preview that the token stands for, which it does not any more from now on. A token that comes with another tool or other
   * arguments is gone as well: who mixes them up should look again.
   */
  take(token: string, tool: string, given: object): Preview {
    const kept = this.#kept.get(token)
    this.#kept.delete(token)
    if (!kept) throw refused('it was used before, or this session never gave it')
    if (kept.until < this.#now()) throw refused('it is older than five minutes')
    if (kept.tool !== tool) throw refused(`it stands for ${kept.tool}`)
    if (kept.arguments !== spelled(given)) throw refused('it stands for other arguments')
    return kept.preview
  }
}

const refused = (because: string): CausewayError =>
  new CausewayError('CSW-8030', { what: `Nothing was done, for the preview token is not good: ${because}.` })

/** The same arguments in another order are the same. Arguments are flat but for lists of texts. */
const spelled = (given: object): string =>
  JSON.stringify(
    Object.entries(given)
      .filter(([, value]) => value !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
