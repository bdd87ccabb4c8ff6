import { type CompiledPart, data, flag, list, section, template } from '../language/index.ts'
import { csrfPart } from './csrf.ts'
import { discoverField } from './discover.ts'
import { errorsPart } from './errors.ts'
import { limitsPartOf } from './limits.ts'

/** Top-level fields of every protocol over HTTP, beside `auth`. */
export const httpFields = (failureNames: readonly string[] = []) => ({
  base_url: template({
    sense:
      'Where the API is. Paths are appended to it, and no request with credentials leaves its origin. With OAuth 2.0 it may come from the token answer (`token`), and from questions after the login (`discovered`).',
    names: ['settings', 'token', 'discovered'],
    required: true,
    example: 'https://api.example.com/v1',
  }),
  headers: data({ sense: 'Headers of every request.', names: ['settings', 'token', 'discovered'] }),
  discover: discoverField,
  cookies: flag({
    sense:
      'Cookies the system sets are kept as long as the connection is open, and sent back to the origin that set them.',
    default: false,
  }),
  csrf: section(csrfPart, { sense: 'For systems that want a CSRF token with each write.' }),
  limits: section(limitsPartOf(failureNames), { sense: 'How hard a connection may press.', default: {} }),
  errors: section(errorsPart(failureNames), { sense: 'How the system tells of failures.' }),
})
/** For protocols whose requests may name an address of their own. */
export const hostsField = {
  hosts: list(template({ sense: 'An address.', names: ['settings'] }), {
    sense:
      'Further hosts of the same system (for uploads, say): a request whose `url` leads there gets the credentials, as one to `base_url` does.',
    example: [`\${ settings.upload_url }`],
  }),
}
export type HttpSpec = CompiledPart<ReturnType<typeof httpFields>> & Partial<CompiledPart<typeof hostsField>>
