/** What a connection learns from the system after the login: the address of its data, the tenant it belongs to. */
import { CausewayError, type Json, type JsonObject, setOwn } from '../../core/index.ts'
import {
  data,
  type Expression,
  expression,
  map,
  part,
  section,
  template,
  text,
  type ValueOf,
} from '../language/index.ts'
import { ANSWER_NAMES, type Answer, answerScope } from './answer.ts'
import { settled, texts } from './login-answers.ts'
import type { HttpRequest } from './request.ts'

const NAMES = ['settings', 'token'] as const

const discoveryPart = part({
  title: 'Discovery',
  sense: 'A question after the login, asked once per open connection.',
  fields: {
    url: template({
      sense:
        'What is asked: an absolute address. It gets the credentials of the connection, so it must be the own system.',
      names: NAMES,
      required: true,
      example: 'https://login.example.com/oauth/userinfo',
    }),
    headers: data({ sense: 'Headers of this request.', names: NAMES }),
    value: expression({
      sense: 'The value found: a text, or an object whose fields are used.',
      names: [...ANSWER_NAMES, 'token'],
      required: true,
      example: '$exists(settings.tenant) ? response[name = settings.tenant][0] : response[0]',
    }),
    missing: text({
      sense: 'What to do where nothing is found, in one sentence.',
      default: 'Check the rights of this credential in that system.',
    }),
  },
  example: `
discover:
  account:
    url: \${ settings.url }/oauth/userinfo
    value: response.accounts[is_default][0]
headers: { X-Account: "\${ discovered.account.id }" }
`,
})

export const discoverField = map(section(discoveryPart, { sense: 'One question.' }), {
  sense:
    'Values learnt from the system itself after the login; `base_url` and the `headers` of the connector see them as `discovered`.',
  keys: '^[a-z][a-z0-9_]*$',
})
type DiscoverySpec = ValueOf<typeof discoveryPart>

export class Discovery {
  private readonly specs: Record<string, DiscoverySpec>
  private readonly settings: JsonObject
  private readonly ask: (request: HttpRequest) => Promise<Answer>
  private found: Promise<JsonObject> | null = null

  constructor(specs: Record<string, DiscoverySpec>, settings: JsonObject, ask: Discovery['ask']) {
    this.specs = specs
    this.settings = settings
    this.ask = ask
  }

  /** All values by name; asked once for everybody who waits, and again after a failure. */
  values(token: unknown, signal: AbortSignal): Promise<JsonObject> {
    // Not tied to the signal of the one request that happens to come first: others wait for the same answer.
    this.found ??= this.discover(token)
    const mine = this.found
    mine.catch(() => {
      if (this.found === mine) this.found = null
    })
    return settled(mine, signal)
  }

  private async discover(token: unknown): Promise<JsonObject> {
    const values: JsonObject = {}
    for (const [name, spec] of Object.entries(this.specs)) setOwn(values, name, await this.valueOf(name, spec, token))
    return values
  }

  private async valueOf(name: string, spec: DiscoverySpec, token: unknown): Promise<Json> {
    const scope = { settings: this.settings, token }
    const url = spec.url.evaluate(scope)
    const headers = texts(spec.headers?.evaluate(scope))
    const answer = await this.ask({ method: 'GET', url: String(url ?? ''), headers })
    if (answer.failure) throw answer.failure
    const value = (spec.value as Expression).evaluate({ ...answerScope(answer, this.settings), token })
    if (value !== undefined && value !== null && value !== '') return value as Json
    throw new CausewayError('CSW-2005', {
      what: `The system does not say what "${name}" of this connection is: ${spec.value.source} gives nothing.`,
      fix: spec.missing,
      place: spec.value.place,
    })
  }
}
