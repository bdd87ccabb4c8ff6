/** Tokens against forged requests, which some systems (SAP Gateway) want with every write, together with their cookies. */
import { CausewayError } from '../../core/index.ts'
import { choice, expression, part, template, text, type ValueOf } from '../language/index.ts'
import { ANSWER_NAMES, type Answer, answerScope } from './answer.ts'
import { isTrue } from './errors.ts'
import { settled } from './login-answers.ts'

export const csrfPart = part({
  title: 'CSRF token',
  sense:
    'Fetches a token before the first write, once for all concurrent ones, and sends it with each. Cookies are kept, because the token belongs to their session.',
  fields: {
    path: template({
      sense: 'What is asked for the token, appended to `base_url`.',
      names: ['settings'],
      default: '/',
      example: '/$metadata',
    }),
    method: choice(['GET', 'HEAD'], { sense: 'How it is asked.', default: 'GET' }),
    header: text({ sense: 'The header of question, answer and write.', default: 'X-CSRF-Token' }),
    ask: text({ sense: 'What the question carries in it.', default: 'Fetch' }),
    expired: expression({
      sense: 'True for an answer that refuses the token; a new one is fetched and the write sent once more.',
      names: ANSWER_NAMES,
      default: 'status = 403 and $lowercase(headers.`x-csrf-token`) = "required"',
    }),
  },
  example: `
csrf: { path: /contacts, method: HEAD }
`,
})
export type CsrfSpec = ValueOf<typeof csrfPart>

/** The token of one connection. */
export class Csrf {
  private readonly spec: CsrfSpec
  private readonly settings: unknown
  private readonly ask: (request: { method: string; path: string; headers: Record<string, string> }) => Promise<Answer>
  private current: Promise<string> | null = null
  private latest: string | null = null

  constructor(spec: CsrfSpec, settings: unknown, ask: Csrf['ask']) {
    this.spec = spec
    this.settings = settings
    this.ask = ask
  }

  /** The header a write carries. */
  async header(signal: AbortSignal): Promise<Record<string, string>> {
    this.current ??= this.fetch()
    return { [this.spec.header]: await settled(this.current, signal) }
  }

  /** Whether an answer refuses the token that was sent; then it is forgotten. */
  refused(answer: Answer, sent: Record<string, string>): boolean {
    if (!isTrue(this.spec.expired.evaluate(answerScope(answer, this.settings)))) return false
    // Somebody else may have fetched a new one meanwhile; then that is simply used.
    if (sent[this.spec.header] === this.latest) {
      this.latest = null
      this.current = null
    }
    return true
  }

  private fetch(): Promise<string> {
    const { path, method, header, ask } = this.spec
    const asked = { method, path: String(path.evaluate({ settings: this.settings }) ?? ''), headers: { [header]: ask } }
    const fetched = this.ask(asked).then((answer) => {
      const token = answer.headers[header.toLowerCase()]
      if (token !== undefined && !answer.failure) {
        this.latest = token
        return token
      }
      throw (
        answer.failure ??
        new CausewayError('CSW-3007', {
          what: `The question for a CSRF token was answered without the header ${header}.`,
          place: path.place,
        })
      )
    })
    fetched.catch(() => {
      if (this.current === fetched) this.current = null
    })
    return fetched
  }
}
