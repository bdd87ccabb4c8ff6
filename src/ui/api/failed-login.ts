import type { ApiProblem } from './types.ts'

const NAME = 'causeway-login-failed'

export type FailedLogin = Pick<ApiProblem, 'code' | 'detail' | 'fix' | 'requestId'>

/** Why the login at a provider that this browser comes back from failed, told once; see `src/http/session-cookie.ts`. */
export function takeFailedLogin(): FailedLogin | null {
  const found = document.cookie.split('; ').find((pair) => pair.startsWith(`${NAME}=`))
  if (found === undefined) return null
  // biome-ignore lint/suspicious/noDocumentCookie: the one cookie that is for the page; browsers that lack the Cookie Store are supported.
  document.cookie = `${NAME}=; Max-Age=0; Path=/`
  try {
    const base64 = found
      .slice(NAME.length + 1)
      .replaceAll('-', '+')
      .replaceAll('_', '/')
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))
    return JSON.parse(new TextDecoder().decode(bytes)) as FailedLogin
  } catch {
    return null
  }
}
