/** WS-Security: a user name and password in the header (OASIS UsernameToken profile 1.1). */
import { createHash, randomBytes } from 'node:crypto'
import { asText, choice, part, type Scope, template, type ValueOf } from '../../language/index.ts'
import { escapeXml } from '../../parts/xml.ts'

export const securityPart = part({
  title: 'WS-Security',
  sense: 'A UsernameToken in the header of each call.',
  fields: {
    user: template({ sense: 'The user.', names: ['settings'], required: true }),
    password: template({ sense: 'The password.', names: ['settings'], required: true }),
    form: choice(['text', 'digest'], {
      sense: '`text`: the password as it is, which TLS has to protect. `digest`: its hash with a nonce and the time.',
      default: 'text',
    }),
  },
  example: `security: { user: "\${ settings.user }", password: "\${ settings.password }", form: digest }`,
})
export type SecuritySpec = ValueOf<typeof securityPart>

const WSS = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss'
const LIFE_MS = 5 * 60_000

export function securityHeader(spec: SecuritySpec, scope: Scope, now: Date): string {
  const [user, password] = [spec.user, spec.password].map((from) => asText(from.evaluate(scope) ?? '')) as [
    string,
    string,
  ]
  const created = now.toISOString()
  const expires = new Date(now.getTime() + LIFE_MS).toISOString()
  const nonce = randomBytes(16)
  const digest = createHash('sha1').update(nonce).update(created).update(password).digest('base64')
  const profile = `${WSS}-username-token-profile-1.0`
  const secret =
    spec.form === 'text'
      ? `<wsse:Password Type="${profile}#PasswordText">${escapeXml(password)}</wsse:Password>`
      : `<wsse:Password Type="${profile}#PasswordDigest">${digest}</wsse:Password>` +
        `<wsse:Nonce EncodingType="${WSS}-soap-message-security-1.0#Base64Binary">${nonce.toString('base64')}</wsse:Nonce>`
  return (
    `<wsse:Security soap:mustUnderstand="1" xmlns:wsse="${WSS}-wssecurity-secext-1.0.xsd" xmlns:wsu="${WSS}-wssecurity-utility-1.0.xsd">` +
    `<wsu:Timestamp><wsu:Created>${created}</wsu:Created><wsu:Expires>${expires}</wsu:Expires></wsu:Timestamp>` +
    `<wsse:UsernameToken><wsse:Username>${escapeXml(user)}</wsse:Username>${secret}<wsu:Created>${created}</wsu:Created>` +
    '</wsse:UsernameToken></wsse:Security>'
  )
}
