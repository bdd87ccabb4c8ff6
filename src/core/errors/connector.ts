import type { ErrorSpec } from './registry.ts'

/** 2xxx: connector manifests and what they ask for. */
export const connectorErrors = {
  'CSW-2001': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'A connection names a connector that does not exist.',
    action: 'Use one of the names that `causeway connectors list` prints.',
  },
  'CSW-2002': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'A stream is named that the connector does not have.',
    action: 'Use one of the streams that `causeway connectors show` prints.',
  },
  'CSW-2003': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'A stream is asked for something its connector does not declare.',
    action: 'Choose another mode or stream, or add the ability to the manifest.',
  },
} as const satisfies Record<`CSW-${number}`, ErrorSpec>
