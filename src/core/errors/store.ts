import type { ErrorSpec } from './spec.ts'

/** 6xxx: the ledger. */
export const storeErrors = {
  'CSW-6001': {
    causeClass: 'hub',
    reaction: 'retry',
    meaning: 'Postgres cannot be reached.',
    action: 'Check that Postgres runs and that `DATABASE_URL` is right; the hub connects again by itself.',
  },
  'CSW-6002': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'The database was written by a newer Causeway.',
    action: 'Install the version that wrote it, or restore a backup from before the upgrade.',
  },
  'CSW-6003': {
    causeClass: 'hub',
    reaction: 'alert',
    meaning: 'The embedded Postgres did not start.',
    action: 'Read the log file named in the message; or set `DATABASE_URL` to a Postgres of your own.',
  },
  'CSW-6004': {
    causeClass: 'hub',
    reaction: 'retry',
    meaning: 'The lease of this work is no longer ours, so its result was not written.',
    action: 'Nothing to do; the new holder repeats the work.',
  },
  'CSW-6005': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'Another hub works in this folder, and its embedded Postgres can have only one.',
    action:
      'Use the running hub (its commands go over HTTP), stop it first, or set `DATABASE_URL` to let several share a Postgres.',
  },
  'CSW-6006': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'A migration was changed after it had been run on this database.',
    action: 'Install the released version again; during development, start from an empty database.',
  },
  'CSW-6007': {
    causeClass: 'credential',
    reaction: 'fix',
    meaning: 'A secret kept by the hub cannot be opened.',
    action: 'Bring the master key back that it was sealed with, or store the secret again.',
  },
  'CSW-6008': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'The master key for stored secrets is missing or unusable.',
    action: 'Set `CAUSEWAY_MASTER_KEY` to 32 random bytes in base64, or mend the key file or the command named.',
  },
  'CSW-6009': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'A table for analytics cannot be made or kept up.',
    action: 'See what Postgres says: a right that is missing, a role that does not exist, or a name that is taken.',
  },
  'CSW-6010': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'There is no other master key to seal the secrets with.',
    action: 'Put a new key in front of the one in CAUSEWAY_MASTER_KEY; docs/operate/secrets.md tells the steps.',
  },
} as const satisfies Record<`CSW-${number}`, ErrorSpec>
