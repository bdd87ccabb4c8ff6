import type { ErrorSpec } from './spec.ts'

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
  'CSW-2051': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'A file lies outside the folder of its connection, or is not a plain file.',
    action: 'Name a file below the folder of the connection; links that lead out of it are not followed.',
  },
  'CSW-2052': {
    causeClass: 'config',
    reaction: 'retry',
    meaning: 'A file or folder of a connection is not there, or may not be read or written.',
    action: 'Check the folder and file of the connection and the rights of the user the hub runs as.',
  },
  'CSW-2053': {
    causeClass: 'data',
    reaction: 'fix',
    meaning: 'A file cannot be read as what it is declared to be.',
    action: 'Compare delimiter, quotes, header and encoding of the connection with the file at the place named.',
  },
  'CSW-2054': {
    causeClass: 'data',
    reaction: 'dead-letter',
    meaning: 'One row of a file is not a record.',
    action: 'Correct the row at the place named; the next pull reads it again.',
  },
  'CSW-2055': {
    causeClass: 'remote-down',
    reaction: 'retry',
    meaning: 'Another process writes to the file, or changed it while it was read.',
    action: 'The hub tries again by itself. A lock file left by a machine that is gone expires after ten minutes.',
  },
  'CSW-2056': {
    causeClass: 'data',
    reaction: 'dead-letter',
    meaning: 'A value does not fit into the target as its connector writes it.',
    action: 'Change the mapping so that it gives what the message asks for, then requeue.',
  },
  'CSW-2057': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'A connection needs a package that is not installed with the hub.',
    action: 'Install the package that the message names beside the hub, then start it again.',
  },
  'CSW-2004': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'Two parts of a manifest do not fit together.',
    action: 'Correct the manifest at the place named; `docs/connector-language.md` describes each field.',
  },
  'CSW-2005': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'A connection does not fill in the settings of its connector as they must be.',
    action: 'Correct the setting named; `causeway connectors show` lists what the connector takes.',
  },
  'CSW-2006': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'Paging goes round in circles: the system gave a page that was there before.',
    action: 'Check `paging` of the stream, and whether cursor, offset or page number are really sent with the request.',
  },
  'CSW-2007': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'An expression of a manifest gave a value that cannot be used where it stands.',
    action: 'Correct the expression at the place named.',
  },
  'CSW-2008': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'An address given by the other system leads away from the origin of the connection.',
    action: 'Check the base URL: it must be the one the system itself uses in its answers.',
  },
  'CSW-2009': {
    causeClass: 'data',
    reaction: 'dead-letter',
    meaning: 'A record does not have the form its stream declares.',
    action: 'Check `version` of the stream in the manifest and the record in the source.',
  },
  'CSW-2010': {
    causeClass: 'credential',
    reaction: 'fix',
    meaning: 'A webhook does not carry a valid signature.',
    action: 'Compare the webhook secret of the connection with the one in the sending system, and the clocks of both.',
  },
  'CSW-2011': {
    causeClass: 'config',
    reaction: 'fix',
    meaning: 'An expression of a manifest failed.',
    action: 'Correct the expression at the place named; the answer of the system may have changed its shape.',
  },
  'CSW-2012': {
    causeClass: 'data',
    reaction: 'dead-letter',
    meaning: 'A webhook could not be understood.',
    action: 'Compare the event in the inbox with `webhooks` in the manifest.',
  },
  'CSW-2013': {
    causeClass: 'config',
    reaction: 'fix',
    meaning:
      'A look-up shows page after page without the record that it was asked for, so that nobody can say whether it is there.',
    action:
      'Give `lookup` of the stream a question that finds less (an exact filter), or match by another field; then try the records again.',
  },
} as const satisfies Record<`CSW-${number}`, ErrorSpec>
