import type { ErrorSpec } from './spec.ts'

/** 1xxx: settings, files and the hub itself. */
export const configErrors = {
  'CSW-1001': {
    causeClass: 'hub',
    reaction: 'alert',
    meaning: 'Something failed inside the hub that it has no name for.',
    action: 'Look at the log line with the same id; report it with `causeway doctor` output if it comes back.',
  },
  'CSW-1002': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'A setting has a value that the hub does not accept.',
    action: 'Correct the setting; `docs/settings.md` lists each with its allowed values.',
  },
  'CSW-1003': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'A file the hub needs is missing or cannot be read.',
    action: 'Create the file or correct its path and permissions.',
  },
  'CSW-1004': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'A YAML file is not well-formed.',
    action: 'Correct the YAML at the place named.',
  },
  'CSW-1005': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'A file has a key or a value that its schema does not know.',
    action: 'Correct the key or value at the place named; the nearest known name is given where there is one.',
  },
  'CSW-1006': {
    causeClass: 'credential',
    reaction: 'fix',
    meaning: 'A secret that a connection refers to cannot be found.',
    action: 'Provide the environment variable, file or stored secret that the reference names.',
  },
  'CSW-1007': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'A name is used that nothing defines.',
    action: 'Correct the name or define what it stands for.',
  },
  'CSW-1008': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'The hub has no public address, so other systems cannot be told where to send webhooks.',
    action: 'Set `public_url` to the address under which that system reaches this hub.',
  },
  'CSW-1009': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'A stream cannot be kept as `keep` in causeway.yaml says.',
    action: 'Choose another way of keeping it, or change the mapping that needs more.',
  },
  'CSW-1010': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'A file in `entities/` contradicts itself, another one, or the syncs of the hub.',
    action: 'Correct the line that is named; docs/entities.md describes the file.',
  },
  'CSW-1011': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'An alert route cannot send with what it was given.',
    action: 'Correct the entry of `alerts:`; docs/operate/alerts.md tells what each kind of route needs.',
  },
  'CSW-1012': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'Two syncs create records of one kind through two connections that seem to lead to the same installation.',
    action:
      'Use one connection for both: whether a record is just being created is known by connection, so through two it may be created twice.',
  },
} as const satisfies Record<`CSW-${number}`, ErrorSpec>
