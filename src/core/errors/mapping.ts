import type { ErrorSpec } from './spec.ts'

/** 4xxx: mapping files and expressions. */
export const mappingErrors = {
  'CSW-4001': {
    causeClass: 'mapping',
    reaction: 'fix',
    meaning: 'An expression is not valid JSONata.',
    action: 'Correct the expression at the place named.',
  },
  'CSW-4002': {
    causeClass: 'mapping',
    reaction: 'dead-letter',
    meaning: 'The mapping failed on this record.',
    action: 'Correct the mapping or the record, then requeue.',
  },
  'CSW-4003': {
    causeClass: 'mapping',
    reaction: 'dead-letter',
    meaning: 'The mapping took too long or too much memory on this record.',
    action: 'Simplify the expression; look for unbounded recursion, ranges or regular expressions.',
  },
  'CSW-4004': {
    causeClass: 'mapping',
    reaction: 'dead-letter',
    meaning: 'The mapping gave something that is not a record.',
    action: 'Let the mapping give an object (or, with `each`, an array of objects) of plain JSON values.',
  },
  'CSW-4005': {
    causeClass: 'mapping',
    reaction: 'fix',
    meaning: 'A mapping file names something that does not exist, or leaves out something that is needed.',
    action: 'Correct the mapping file at the place named.',
  },
  'CSW-4006': {
    causeClass: 'hub',
    reaction: 'alert',
    meaning: 'The processes that run mappings cannot work.',
    action: 'Read the reason given; `causeway doctor` checks whether such a process starts on this machine.',
  },
  'CSW-4007': {
    causeClass: 'data',
    reaction: 'dead-letter',
    meaning: 'A value table, or a stream that a mapping joins, has nothing for a value of this record.',
    action:
      'Add the row to the table or the record to the stream, or say in the mapping what holds otherwise, then requeue.',
  },
  'CSW-4008': {
    causeClass: 'mapping',
    reaction: 'dead-letter',
    meaning: 'The mapping gave a value that is none of those the target takes.',
    action:
      'Say in the mapping what becomes of each value of the source (a condition, or a value table), then requeue.',
  },
} as const satisfies Record<`CSW-${number}`, ErrorSpec>
