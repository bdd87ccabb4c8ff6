import type { FastifyReply, FastifyRequest } from 'fastify'

export const CSRF_HEADER = 'x-causeway-csrf'

/** With the prefix browsers take the cookie from this host over TLS only, so that no other host of the domain can plant one. */
const SECURE_NAME = '__Host-causeway-session'
const PLAIN_NAME = 'causeway-session'

/** TLS ends here or in front of us; plain HTTP is for one's own machine. */
export const isSecure = (request: FastifyRequest, publicOrigin: string | null): boolean =>
  request.protocol === 'https' || (publicOrigin?.startsWith('https:') ?? false)

/**
 * The secret in the cookie of a session: base64url, so nothing of it is ever encoded or quoted. Over TLS only the protected name
 * counts: the other could be another host's of the domain.
 */
export const sessionOf = (request: FastifyRequest, secure: boolean): string | undefined =>
  cookieOf(request, secure ? SECURE_NAME : PLAIN_NAME)

function cookieOf({ headers }: FastifyRequest, wanted: string): string | undefined {
  const pairs = (headers.cookie ?? '').split(';').map((pair) => pair.trim().split('='))
  return pairs.find(([name]) => name === wanted)?.[1] || undefined
}

/** `Strict` also after a login elsewhere: the page itself is public, and what it asks for comes from our own origin. */
export const setSession = (reply: FastifyReply, secret: string, expires: Date, secure: boolean): FastifyReply =>
  reply.header('set-cookie', cookie(secret, expires, secure))

export const clearSession = (reply: FastifyReply, secure: boolean): FastifyReply =>
  reply.header('set-cookie', cookie('', new Date(0), secure))

function cookie(value: string, expires: Date, secure: boolean): string {
  const attributes = [`Expires=${expires.toUTCString()}`, 'Path=/', 'HttpOnly', 'SameSite=Strict']
  return [`${secure ? SECURE_NAME : PLAIN_NAME}=${value}`, ...attributes, ...(secure ? ['Secure'] : [])].join('; ')
}

const LOGIN_PATH = '/api/v1/login/provider'
const LOGIN_SECONDS = 600

const loginName = (secure: boolean): string => (secure ? '__Secure-causeway-login' : 'causeway-login')

/** The secret of a login at a provider that this browser began. */
export const loginOf = (request: FastifyRequest, secure: boolean): string | undefined =>
  cookieOf(request, loginName(secure))

export const setLogin = (reply: FastifyReply, secret: string, secure: boolean): FastifyReply =>
  reply.header('set-cookie', loginCookie(secret, LOGIN_SECONDS, secure))

export const clearLogin = (reply: FastifyReply, secure: boolean): FastifyReply =>
  reply.header('set-cookie', loginCookie('', 0, secure))

/** `Lax`, for it has to come along when the provider sends the browser back; nothing but that address gets it. */
function loginCookie(value: string, seconds: number, secure: boolean): string {
  const attributes = [`Max-Age=${seconds}`, `Path=${LOGIN_PATH}`, 'HttpOnly', 'SameSite=Lax']
  return [`${loginName(secure)}=${value}`, ...attributes, ...(secure ? ['Secure'] : [])].join('; ')
}

const FAILED_LOGIN = 'causeway-login-failed'
const FAILED_SECONDS = 60

/**
 * Why a login elsewhere failed, for the page that the browser is sent back to. A cookie and nothing in the address: what stands there could be
 * written by whoever sends somebody a link. The page reads it once and removes it.
 */
export const setFailedLogin = (reply: FastifyReply, problem: object, secure: boolean): FastifyReply =>
  reply.header(
    'set-cookie',
    [
      `${FAILED_LOGIN}=${Buffer.from(JSON.stringify(problem)).toString('base64url')}`,
      `Max-Age=${FAILED_SECONDS}`,
      'Path=/',
      'SameSite=Strict',
      ...(secure ? ['Secure'] : []),
    ].join('; '),
  )
