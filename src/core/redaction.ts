/** Keeps secrets out of everything people read: logs, errors, journal, API. Two nets: known values, and known names. */

const MASK = '[secret]'
/** Shorter values would mask ordinary text everywhere; a secret of one or two characters protects nothing. */
const SHORTEST_SECRET = 3

/** Replaces secrets in text; `longest` tells a caller how far past a cut an occurrence may reach. */
export type Redactor = { (text: string): string; readonly longest: number }

/** Names of fields, headers and query parameters whose value is never shown, compared without case, `-`, `_` and `.`. */
const SECRET_NAMES = new Set(
  `authorization proxyauthorization cookie setcookie password passwd pwd passphrase secret clientsecret token accesstoken
   refreshtoken idtoken authtoken sessiontoken csrftoken xcsrftoken apikey apitoken xapikey xauthtoken xapitoken privatekey
   clientassertion assertion jwt signature xamzsignature xamzcredential xamzsecuritytoken sessionid credential
   credentials secretkey accesskey masterkey admintoken hapikey codeverifier`.split(/\s+/),
)
/** Names that mean a secret in a URL or a form, but a plain field (a country's code, a sort key) in a record. */
const SECRET_PARAMETERS = new Set(['key', 'code', 'sig', 'sid', 'auth', 'state', 'nonce'])
/** Addresses for files are signed: whoever has one has the file. */
const SECRET_ENDINGS = [
  'uploadurl',
  'downloadurl',
  'password',
  'secret',
  'token',
  'apikey',
  'privatekey',
  'passphrase',
  'signature',
  'credential',
]

/** True when the name alone says that the value must not be shown (`X-Api-Key`, `client_secret`, `refreshToken`). */
export function isSecretName(name: string): boolean {
  let secret = judged.get(name)
  if (secret === undefined) {
    // The names of a system's fields come again with every call; what is made of data must not pile up.
    if (judged.size >= MAX_JUDGED) judged.clear()
    secret = looksSecret(name)
    judged.set(name, secret)
  }
  return secret
}

const MAX_JUDGED = 2_000
const judged = new Map<string, boolean>()

function looksSecret(name: string): boolean {
  const plain = name.replace(/[-_.\s]/g, '').toLowerCase()
  return SECRET_NAMES.has(plain) || SECRET_ENDINGS.some((ending) => plain.endsWith(ending))
}

/** Makes a function that replaces every occurrence of the given values, in each spelling they may take on the wire. */
export function createRedactor(secrets: Iterable<string>): Redactor {
  const spellings = new Map<string, number>()
  for (const secret of secrets) {
    if (secret.length < SHORTEST_SECRET) continue
    for (const { pattern, longest } of spellingsOf(secret)) spellings.set(pattern, longest)
  }
  if (spellings.size === 0) return Object.assign((text: string) => text, { longest: 0 })
  // Longest first: of two secrets where one begins with the other, the whole longer one must go.
  const sorted = [...spellings].sort((a, b) => b[1] - a[1])
  const pattern = new RegExp(sorted.map(([source]) => source).join('|'), 'g')
  return Object.assign((text: string) => text.replace(pattern, MASK), { longest: sorted[0]![1] })
}

type Spelling = { pattern: string; longest: number }

/**
 * A secret as it may be written: character by character raw, percent-encoded, or escaped for JSON, XML or a form (every
 * encoder escapes another set, hence not a list of whole words), and as base64.
 */
function spellingsOf(secret: string): Spelling[] {
  const characters = [...secret].map(charactersOf)
  const written = {
    pattern: characters.map(({ pattern }) => pattern).join(''),
    longest: characters.reduce((sum, { longest }) => sum + longest, 0),
  }
  const base64 = Buffer.from(secret).toString('base64').replace(/=+$/, '')
  const encoded = [base64, base64.replace(/\+/g, '-').replace(/\//g, '_')]
  return [written, ...encoded.map((text) => ({ pattern: `${literal(text)}={0,2}`, longest: text.length + 2 }))]
}

const ENTITIES: Record<string, string> = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": 'apos' }

function charactersOf(character: string): Spelling {
  if (/[A-Za-z0-9]/.test(character)) return { pattern: character, longest: 1 }
  const code = character.codePointAt(0)!
  const percent = Buffer.from(character)
    .toString('hex')
    .replace(/../g, (byte) => `%${byte}`)
  const inJson = JSON.stringify(character).slice(1, -1)
  const units = character.split('').map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  const ways = [
    ...[character, inJson, `&#${code};`, percent, percent.toUpperCase(), units.join(''), `&#x${code.toString(16)};`],
    ...[`\\u${units.join('').slice(2).toUpperCase()}`, `&#x${code.toString(16).toUpperCase()};`],
    ...(character in ENTITIES ? [`&${ENTITIES[character]};`] : []),
    ...(character === ' ' ? ['+'] : []),
    ...(character === '/' ? ['\\/'] : []),
  ]
  // Longest first, so that of "&" and "&amp;" the whole entity goes.
  const sorted = [...new Set(ways)].sort((a, b) => b.length - a.length)
  return { pattern: `(?:${sorted.map(literal).join('|')})`, longest: sorted[0]!.length }
}

const literal = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')

/** A copy of headers for people: values under secret names masked, known secrets replaced in the rest. */
export function redactHeaders(headers: Readonly<Record<string, unknown>>, redact: Redactor): Record<string, string> {
  const shown: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue
    const text = isSecretName(name) ? MASK : redact(String(value))
    shown[name] = name.toLowerCase() === 'location' ? hideQuery(text) : text
  }
  return shown
}

/** An address without the values of its query: what a system redirects to may be signed there. */
export const hideQuery = (url: string): string => (url.includes('?') ? `${url.split('?', 1)[0]}?${MASK}` : url)

/** A URL for people: no user info, no fragment, values of secret query parameters masked, known secrets replaced. */
export function redactUrl(url: string, redact: Redactor): string {
  const [whole = ''] = url.split('#', 1)
  const question = whole.indexOf('?')
  const path = question < 0 ? whole : whole.slice(0, question)
  const shown = redact(path.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1'))
  return question < 0 ? shown : `${shown}?${redactQuery(whole.slice(question + 1), redact)}`
}

/** A query string or form body for people. */
function redactQuery(query: string, redact: Redactor): string {
  return query
    .split('&')
    .map((pair) => {
      const [name = '', value] = pair.split('=', 1).concat(pair.includes('=') ? pair.slice(pair.indexOf('=') + 1) : [])
      return value !== undefined && isSecretParameter(decoded(name)) ? `${name}=${MASK}` : redact(pair)
    })
    .join('&')
}

const isSecretParameter = (name: string): boolean => SECRET_PARAMETERS.has(name.toLowerCase()) || isSecretName(name)

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const JSON_MEMBER = /"([A-Za-z][\w.-]{1,40})"(\s*:\s*)"(?:[^"\\]|\\.)*("|$)/g
const XML_ELEMENT = /<((?:\w+:)?([A-Za-z][\w.-]{1,40}))>[^<]*(<\/\1>|$)/g
const FORM_BODY = /^[\w.%[\]-]+=[^\s{}<>]*$/

/**
 * A body for people: known secrets replaced, and what stands under a secret name in JSON, XML or a form masked (a token
 * answer is not known beforehand). Cut at `cap` characters.
 */
export function redactBody(body: string, redact: Redactor, cap: number): string {
  // Reach past the cap, so that a secret that straddles it is seen whole and does not leave its first half behind.
  const cut = body.length > cap + redact.longest
  const reach = cut ? body.slice(0, cap + redact.longest) : body
  const masked = FORM_BODY.test(reach)
    ? redactQuery(reach, redact)
    : redact(reach)
        .replace(JSON_MEMBER, (member, name, colon) => (isSecretName(name) ? `"${name}"${colon}"${MASK}"` : member))
        .replace(XML_ELEMENT, (element, tag, name) => (isSecretName(name) ? `<${tag}>${MASK}</${tag}>` : element))
  // Where masking made the text shorter, half a secret at the end of the reach would move inside the cap.
  const safe = cut ? masked.slice(0, Math.max(0, masked.length - redact.longest)) : masked
  return cut || safe.length > cap ? `${safe.slice(0, cap)}…` : safe
}
