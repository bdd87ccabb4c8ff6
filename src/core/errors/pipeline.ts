import type { ErrorSpec } from './spec.ts'

/** 5xxx: pull and push. */
export const pipelineErrors = {
  'CSW-5001': {
    causeClass: 'data',
    reaction: 'dead-letter',
    meaning: 'A record came without a usable id.',
    action: 'Check `key` of the stream in the manifest and the record in the source.',
  },
  'CSW-5002': {
    causeClass: 'data',
    reaction: 'dead-letter',
    meaning: 'Several target records match this record.',
    action: 'Merge the duplicates in the target or choose narrower match keys, then requeue.',
  },
  'CSW-5003': {
    causeClass: 'data',
    reaction: 'retry',
    meaning: 'The record refers to another record that is not in the target yet.',
    action: 'It goes on by itself as soon as that record is delivered.',
  },
  'CSW-5004': {
    causeClass: 'data',
    reaction: 'dead-letter',
    meaning: 'It is unknown whether a create took effect, and the target offers no way to look it up.',
    action: 'Look in the target; then requeue, or discard with the reason. `on_doubt: resend` accepts duplicates.',
  },
  'CSW-5005': {
    causeClass: 'hub',
    reaction: 'retry',
    meaning: 'Another worker holds this work, or took it over.',
    action: 'Nothing to do; the holder goes on with it.',
  },
  'CSW-5006': {
    causeClass: 'data',
    reaction: 'dead-letter',
    meaning: 'The record failed as often as the retry policy allows.',
    action: 'Read the last error, mend its cause, then requeue.',
  },
  'CSW-5007': {
    causeClass: 'data',
    reaction: 'retry',
    meaning: 'Another record of this batch, or another sync, is creating or changing the same target record.',
    action: 'It is tried again by itself in a moment.',
  },
  'CSW-5008': {
    causeClass: 'data',
    reaction: 'retry',
    meaning: 'The bytes of a file, or records that are not kept here, could not be read from their source.',
    action:
      'It is tried again by itself. Check in the source whether the file or record is still there and may be read.',
  },
  'CSW-5009': {
    causeClass: 'data',
    reaction: 'retry',
    meaning: 'The record was deleted in the source, and the deletion waits out its grace period.',
    action: 'Nothing to do. If the record comes back before, nothing happens; `deletes: { grace: … }` sets the time.',
  },
  'CSW-5010': {
    causeClass: 'data',
    reaction: 'retry',
    meaning: 'More records would leave the target at once than the sync allows.',
    action: 'Look at what is held (`causeway runs show RUN`), then approve or reject it. `deletes` sets the limits.',
  },
  'CSW-5011': {
    causeClass: 'data',
    reaction: 'retry',
    meaning: 'Records refer to each other in a circle, so each waits for another one to be in the target first.',
    action: 'Leave the reference out of one of the mappings, or fill it by a second sync that runs later.',
  },
  'CSW-5012': {
    causeClass: 'data',
    reaction: 'retry',
    meaning: 'The record refers to one that the source does not have, or that its sync leaves out.',
    action: 'Correct the reference in the source, widen `when` of the sync that brings the other record, or drop it.',
  },
  'CSW-5013': {
    causeClass: 'data',
    reaction: 'fix',
    meaning:
      'The record has changed in the source since this dead letter, so a correction of it would write older data.',
    action: 'Requeue the letter as it is: the present record is delivered.',
  },
  'CSW-5014': {
    causeClass: 'remote-down',
    reaction: 'fix',
    meaning: 'It is unknown whether a webhook was ordered, and the system offers no list of what was.',
    action:
      'Remove webhooks with the address of this hub in that system, then `causeway webhooks subscriptions --again ID`.',
  },
  'CSW-5015': {
    causeClass: 'hub',
    reaction: 'dead-letter',
    meaning: 'The worker process ended each time this record or webhook was handled, so it was set aside.',
    action: 'Look for a crash in the log of the workers and report it; requeue the letter when the cause is gone.',
  },
  'CSW-5016': {
    causeClass: 'hub',
    reaction: 'alert',
    meaning: 'The worker process ended each time the next page of this stream was read.',
    action:
      'Look for a crash in the log of the workers and report it; the page is read again later, at growing distances.',
  },
  'CSW-5017': {
    causeClass: 'hub',
    reaction: 'retry',
    meaning: 'A plan cannot be applied while the sync is being delivered, or its target may not be used.',
    action: 'Wait until the run has ended, or resume the connection; then apply the plan again.',
  },
  'CSW-5018': {
    causeClass: 'data',
    reaction: 'dead-letter',
    meaning: 'The hub does not keep what this needs (`keep` in causeway.yaml), and the source could not give it again.',
    action:
      'Pull the stream in full (`causeway run SYNC --full`) and try again; a record that the source has no more cannot be mapped again.',
  },
  'CSW-5019': {
    causeClass: 'data',
    reaction: 'retry',
    meaning: 'The source has changed the form of fields that a mapping reads.',
    action:
      'See which lines are touched (`causeway drifts list`), correct the mapping where it needs that, then `causeway drifts accept ID`.',
  },
  'CSW-5020': {
    causeClass: 'data',
    reaction: 'retry',
    meaning:
      'The record waits for a pull of another stream, without which it might be created twice or get wrong values.',
    action:
      'It goes on by itself as soon as that pull has ended. Should the pull fail, mend what it says (`causeway problems`) and run the stream in full.',
  },
  'CSW-5021': {
    causeClass: 'data',
    reaction: 'retry',
    meaning: 'The record waits until it has been held against all records of the target, which may have it already.',
    action:
      'It goes on by itself. Should the target not be read at all, run a sync or a schedule that pulls it (`causeway problems` says what fails).',
  },
  'CSW-5022': {
    causeClass: 'data',
    reaction: 'retry',
    meaning: 'The record is not created, because it may be one that the target has already, and a person is asked.',
    action:
      'Confirm or reject the pair: `causeway entities reviews`, then `causeway entities confirm ID` or `reject ID`.',
  },
  'CSW-5023': {
    causeClass: 'data',
    reaction: 'dead-letter',
    meaning:
      'A field of a two-way sync does not settle: each system makes another value of what the other one holds, so both were paused.',
    action:
      'Compare the last values in the letter. Make the mapping give what both systems keep, or map the field one way only; then requeue the letter and resume the sync.',
  },
  'CSW-5024': {
    causeClass: 'data',
    reaction: 'retry',
    meaning:
      'A target does not show a record that it had, and nothing proves that it was deleted: a two-way sync waits for a proof, any other for as long as the record is new there. It is neither written nor made again.',
    action:
      'It goes on by itself when the target shows the record again, or when a deletion is proven (a tombstone, an event, a complete scan). Otherwise look at the rights of the credentials; in a two-way sync a record that is really gone is let go with a full pull of the target.',
  },
  'CSW-5025': {
    causeClass: 'data',
    reaction: 'dead-letter',
    meaning:
      'Two records of the source were merged, and each had a counterpart in the target: that of the one merged away stays.',
    action: 'Merge the two in the target as well, or remove the one that is named there; then discard the letter.',
  },
  'CSW-5026': {
    causeClass: 'data',
    reaction: 'dead-letter',
    meaning:
      'Two living records of the source stand for one target record and differ: the one that was linked first is delivered, and this one is not written over it.',
    action:
      'Merge the two in the source, or give this one the key that is its own (it is matched anew then). Where they are meant to share the target, map what they differ in from one of them only, or use `mode: create-only`; then requeue.',
  },
} as const satisfies Record<`CSW-${number}`, ErrorSpec>
