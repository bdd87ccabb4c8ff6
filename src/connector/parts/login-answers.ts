/** What a login gives, and how it fails, whatever its kind. */
import { CausewayError, isObject } from '../../core/index.ts'
import { asText } from '../language/index.ts'

/** A refusal of the login is a matter of credentials, whatever status it came with. */
export function asLoginFailure(failure: CausewayError): CausewayError {
  if (!['CSW-3008', 'CSW-3016', 'CSW-3004'].includes(failure.code)) return failure
  return new CausewayError('CSW-3003', {
    what: `The login was refused: ${failure.message}`,
    data: failure.data,
    cause: failure,
  })
}

/** Headers or parameters, as texts. */
export const texts = (value: unknown): Record<string, string | undefined> =>
  isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([name, item]) => [name, item === null ? undefined : asText(item)]))
    : {}

/** Waits for a login that others may wait for too; who is cancelled waits no longer. */
export function settled<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted)
    return Promise.reject(new CausewayError('CSW-3015', { what: 'The call was cancelled before the login.' }))
  return new Promise((resolve, reject) => {
    const onAbort = () =>
      reject(new CausewayError('CSW-3015', { what: 'The call was cancelled while it waited for the login.' }))
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
