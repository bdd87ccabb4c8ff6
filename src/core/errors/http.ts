import type { ErrorSpec } from './spec.ts'

/** 8xxx: admin API, webhook intake and command line. */
export const httpErrors = {
  'CSW-8001': {
    causeClass: 'credential',
    reaction: 'fix',
    meaning: 'The request says not who makes it: no valid token, no session that still lasts.',
    action:
      'Log in, or send `Authorization: Bearer <token>`; `causeway start` prints where the admin token is kept, `causeway tokens create` makes others.',
  },
  'CSW-8002': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'There is nothing under this address.',
    action: 'Correct the name or number. Lists say what there is, `/openapi.json` which addresses there are.',
  },
  'CSW-8003': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'The request is not what this address accepts.',
    action: 'Correct the parameters named in `errors`.',
  },
  'CSW-8004': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'The request is larger or deeper than this address accepts.',
    action: 'Send less at once; the limits are listed in `docs/http-api.md`.',
  },
  'CSW-8005': {
    causeClass: 'quota',
    reaction: 'retry',
    meaning: 'Too many wrong tokens or passwords came from this address or for this user.',
    action: 'Wait as long as `Retry-After` says, then send the right one.',
  },
  'CSW-8006': {
    causeClass: 'hub',
    reaction: 'retry',
    meaning: 'The hub cannot take this request now: it is overloaded, stopping, or waits for its database.',
    action: 'Send the same request again after the time named in `Retry-After`.',
  },
  'CSW-8007': {
    causeClass: 'data',
    reaction: 'fix',
    meaning: 'What the preview counted has changed since.',
    action: 'Ask for a new preview, look at its count, then confirm that one.',
  },
  'CSW-8008': {
    causeClass: 'data',
    reaction: 'fix',
    meaning: 'The thing is in a state in which this action makes no sense.',
    action: 'Look at its present state; nothing was changed.',
  },
  'CSW-8009': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'The request body has a media type or encoding that this address does not read.',
    action: 'Send `application/json` in UTF-8 without compression; webhooks may have any media type.',
  },
  'CSW-8010': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'The hub cannot listen on this address.',
    action: 'Stop what uses the port, or choose another with `--port` (0 takes any free one).',
  },
  'CSW-8011': {
    causeClass: 'credential',
    reaction: 'fix',
    meaning: 'Whoever makes the request may not do this.',
    action:
      'Use a token or user with the scope or role that is named; an admin gives it. docs/operate/access.md lists them.',
  },
  'CSW-8012': {
    causeClass: 'credential',
    reaction: 'fix',
    meaning: 'A change with a session cookie does not come from the page of this hub.',
    action: 'Use the page under the address of the hub (`public_url` behind a proxy), or a token instead of a cookie.',
  },
  'CSW-8013': {
    causeClass: 'credential',
    reaction: 'fix',
    meaning: 'The login failed: user name or password is wrong, or the user is disabled.',
    action: 'Try again, or ask an admin for `causeway users set-password`.',
  },
  'CSW-8014': {
    causeClass: 'credential',
    reaction: 'fix',
    meaning: 'The login through the OpenID provider did not work.',
    action:
      'Begin the login again; where it fails always, compare the `oidc_` settings with the registration at the provider.',
  },
  'CSW-8020': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'The command line holds something that this command does not know or lacks something it needs.',
    action: 'Run the command with `--help`.',
  },
  'CSW-8021': {
    causeClass: 'remote-down',
    reaction: 'retry',
    meaning: 'The hub does not answer.',
    action: 'Check `--url` and whether the hub runs (`causeway start`).',
  },
  'CSW-8022': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'A hub is running in this folder already.',
    action: 'Use that one, or stop it first.',
  },
  'CSW-8023': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'A file that would be written exists already.',
    action: 'Choose an empty folder; nothing was written.',
  },
  'CSW-8024': {
    causeClass: 'data',
    reaction: 'fix',
    meaning: 'The configuration is not what it was when the plan was made; nothing was applied.',
    action: 'Make a new plan with `causeway plan --out FILE`, look at it, then apply that one.',
  },
  'CSW-8025': {
    causeClass: 'data',
    reaction: 'fix',
    meaning: 'The plan takes connections or syncs away, and nobody allowed that; nothing was applied.',
    action: 'Look at what it removes; then apply it with `--allow-destructive`.',
  },
  'CSW-8026': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'The `Idempotency-Key` stands for another request that came before.',
    action: 'Send a new key with a new request; the old key only with the request it came with first.',
  },
  'CSW-8027': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'A secret stood in files of that version and was not kept; they cannot be written back, and nothing was.',
    action: 'Take those files from git, then `causeway plan` and `causeway apply`; refer to the secret as `env:NAME`.',
  },
  'CSW-8028': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'The hub may not write into its folder; nothing was changed.',
    action: 'Give the hub a folder that it may write, or bring the files there another way and apply a plan of them.',
  },
  'CSW-8029': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'What an action was meant for is no longer as the client saw it (`If-Match`); nothing was changed.',
    action: 'Read it again, look at what is different, and send the action with the new tag if it is still wanted.',
  },
  'CSW-8030': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'The preview token of an assistant is not good for this; nothing was done.',
    action:
      'Call the tool without a token, show the preview to a person, then call it once, as it was, with the new token.',
  },
  'CSW-8031': {
    causeClass: 'hub',
    reaction: 'retry',
    meaning: 'The first request with this `Idempotency-Key` is being carried out.',
    action: 'Send the same request again after the time named in `Retry-After`.',
  },
  'CSW-8032': {
    causeClass: 'data',
    reaction: 'fix',
    meaning: 'The request with this `Idempotency-Key` was carried out before, and its answer is not kept.',
    action:
      'Look at the thing itself. A token or another secret that was shown once and lost is made anew: end the lost one, then ask with a new key.',
  },
} as const satisfies Record<`CSW-${number}`, ErrorSpec>
