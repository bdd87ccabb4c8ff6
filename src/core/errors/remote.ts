import type { ErrorSpec } from './spec.ts'

/** 3xxx: what other systems answered, or did not. */
export const remoteErrors = {
  'CSW-3001': {
    causeClass: 'remote-down',
    reaction: 'retry',
    meaning: 'The other system could not be reached.',
    action: 'The hub tries again by itself. Check address, DNS, firewall and whether the system runs.',
  },
  'CSW-3002': {
    causeClass: 'remote-down',
    reaction: 'retry',
    meaning: 'The other system did not answer in time.',
    action: 'The hub tries again by itself. If it stays slow, lower the batch size or raise the deadline.',
  },
  'CSW-3003': {
    causeClass: 'credential',
    reaction: 'fix',
    meaning: 'The other system refused our credentials (401).',
    action: 'Renew the credential of this connection, then resume it.',
  },
  'CSW-3004': {
    causeClass: 'credential',
    reaction: 'fix',
    meaning: 'The credential is valid but may not do this (403).',
    action: 'Grant the missing right or scope in the other system.',
  },
  'CSW-3005': {
    causeClass: 'quota',
    reaction: 'retry',
    meaning: 'The other system asked us to slow down.',
    action: 'The hub waits as long as it was told and goes on by itself.',
  },
  'CSW-3006': {
    causeClass: 'remote-down',
    reaction: 'retry',
    meaning: 'The other system failed by its own account (5xx).',
    action: 'The hub tries again by itself. If it lasts, ask whoever runs that system.',
  },
  'CSW-3007': {
    causeClass: 'remote-down',
    reaction: 'retry',
    meaning: 'The answer was not what this API answers (HTML, broken JSON, wrong shape).',
    action: 'Check the base URL and whether a proxy or login page stands in between.',
  },
  'CSW-3008': {
    causeClass: 'data',
    reaction: 'dead-letter',
    meaning: 'The target refused this record.',
    action: 'Read the refusal, correct the record in the source or the mapping, then requeue.',
  },
  'CSW-3009': {
    causeClass: 'data',
    reaction: 'dead-letter',
    meaning: 'The record does not exist in the other system.',
    action: 'Check whether it was deleted or merged there; unlink and requeue to create it anew.',
  },
  'CSW-3010': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'The address may not be dialled: it is private, loopback, link-local or not http(s).',
    action: 'If the system really lives there, add the host to `allow` of this connection; the entry is audited.',
  },
  'CSW-3011': {
    causeClass: 'remote-down',
    reaction: 'retry',
    meaning: 'The answer was larger than allowed.',
    action: 'Lower the page size, or raise the cap in the manifest.',
  },
  'CSW-3012': {
    causeClass: 'data',
    reaction: 'retry',
    meaning: 'It is unknown whether the write took effect: the connection broke before the answer.',
    action: 'The hub looks the record up before it sends anything again.',
  },
  'CSW-3013': {
    causeClass: 'data',
    reaction: 'retry',
    meaning: 'The record changed in the target since we read it.',
    action: 'The hub reads it again and repeats the comparison.',
  },
  'CSW-3014': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'The other system does not know the address or method we used, or redirected a write.',
    action: 'Check base URL and API version of the connection.',
  },
  'CSW-3015': {
    causeClass: 'hub',
    reaction: 'retry',
    meaning: 'The hub itself ended the call: it shuts down, or the work was taken over or cancelled.',
    action: 'Nothing to do; the work is taken up again by itself.',
  },
  'CSW-3016': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'The other system refused a request for data (4xx).',
    action: 'Compare the parameters of the stream in the manifest with the documentation of that API.',
  },
  'CSW-3017': {
    causeClass: 'remote-down',
    reaction: 'retry',
    meaning: 'The record is locked in the other system for now.',
    action: 'The hub tries again by itself. If it stays locked, look who holds the lock there.',
  },
  'CSW-3018': {
    causeClass: 'config',
    reaction: 'retry',
    meaning: 'The TLS certificate or SSH host key of the other system cannot be verified.',
    action: 'Check host name and expiry of the certificate; name a private authority in `ca` of the connection.',
  },
  'CSW-3019': {
    causeClass: 'data',
    reaction: 'dead-letter',
    meaning: 'A header name or value holds characters that HTTP does not allow there.',
    action:
      'Look for line breaks or control characters in the value that the manifest or mapping puts into the header.',
  },
  'CSW-3020': {
    causeClass: 'remote-down',
    reaction: 'retry',
    meaning: 'The bytes of a file did not arrive as they were sent.',
    action: 'The hub sends the file again. If it lasts, look for a proxy that changes contents.',
  },
  'CSW-3021': {
    causeClass: 'remote-down',
    reaction: 'retry',
    meaning: 'The other system no longer knows the upload that was under way, or the file changed meanwhile.',
    action: 'The hub begins the upload anew. If it lasts, uploads may take longer there than they are kept.',
  },
  'CSW-3022': {
    causeClass: 'remote-down',
    reaction: 'retry',
    meaning: 'The other system failed several times in a row, so nothing is sent to it for a while.',
    action: 'The hub tries with one call when the time is over, and goes on by itself. Ask whoever runs that system.',
  },
} as const satisfies Record<`CSW-${number}`, ErrorSpec>
