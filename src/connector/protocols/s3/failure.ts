/** What the error documents of object stores mean (Amazon S3 API reference, "Error responses"). */
import { CausewayError, type ErrorCode } from '../../../core/index.ts'
import { textOf } from './xml.ts'

const MEANINGS: Record<string, ErrorCode> = {
  ...all(
    'CSW-3005',
    'SlowDown SlowDownRead SlowDownWrite RequestLimitExceeded TooManyRequests Throttling ThrottlingException',
  ),
  ...all('CSW-3006', 'InternalError ServiceUnavailable'),
  ...all('CSW-3002', 'RequestTimeout'),
  ...all(
    'CSW-3003',
    'InvalidAccessKeyId SignatureDoesNotMatch ExpiredToken InvalidToken RequestTimeTooSkewed MissingSecurityHeader',
  ),
  ...all('CSW-3004', 'AccessDenied AllAccessDisabled AccountProblem InvalidObjectState'),
  ...all('CSW-3009', 'NoSuchKey NoSuchVersion NotFound'),
  ...all('CSW-3013', 'PreconditionFailed'),
  ...all(
    'CSW-3014',
    'NoSuchBucket InvalidBucketName PermanentRedirect TemporaryRedirect AuthorizationHeaderMalformed NotImplemented MethodNotAllowed',
  ),
  ...all('CSW-3017', 'ConditionalRequestConflict OperationAborted'),
  ...all('CSW-3020', 'BadDigest InvalidDigest XAmzContentSHA256Mismatch XAmzContentChecksumMismatch IncompleteBody'),
  ...all('CSW-3021', 'NoSuchUpload InvalidPart InvalidPartOrder'),
}

function all(code: ErrorCode, names: string): Record<string, ErrorCode> {
  return Object.fromEntries(names.split(' ').map((name) => [name, code]))
}

/** The failure behind an error code of the store; `otherwise` where it is one that has no meaning of its own. */
export function storeFailure(root: { [name: string]: unknown }, what: string, otherwise: ErrorCode): CausewayError {
  const code = textOf(root.Code)
  const message = textOf(root.Message).slice(0, 300)
  return new CausewayError(MEANINGS[code] ?? otherwise, {
    what: `${what} failed: ${code || 'no code'}${message ? `, ${message}` : ''}`.replace(/\.?$/, '.'),
    data: { cause: code },
    ...(code === 'RequestTimeTooSkewed'
      ? { fix: 'Correct the clock of this machine: signatures hold for minutes.' }
      : {}),
  })
}
