/**
 * Where answers hold JSON of records, mappings, connectors or the ledger's errors, as paths in the answer; `[]` is any item.
 * A test holds this against the OpenAPI document: whatever has no type there must stand here.
 */
export const VERBATIM_FIELDS: ReadonlySet<string> = new Set([
  // runs, dead letters, progress of a request
  ...['counts', 'error', 'input', 'output', 'exchange'],
  // lists
  ...['items[].counts', 'items[].error', 'items[].lastError', 'items[].cursor', 'sample[].error'],
  // bulk actions
  ...['filter', 'items[].filter'],
  // syncs
  ...['lastError', 'sync.lastError', 'definition.schedule[]', 'definition.fullSchedule'],
  // streams and connections
  ...['cursor', 'streams[].cursor', 'streams[].lastError', 'definition.settings'],
  // connectors
  ...['settings', 'streams[].readSchema', 'streams[].writeSchema'],
  // records
  ...['log.body', 'log.content', 'deliveries[].delivered', 'deliveries[].error', 'deliveries[].notKept'],
  ...['deadLetters[].error'],
  // conflicts and entities
  ...['items[].agreedValue', 'items[].fromValue', 'items[].toValue', 'items[].decidedValue'],
  ...['history[].detail', 'items[].reasons'],
  // plans, comparisons, explanations
  ...['changes[].matched', 'changes[].error', 'changes[].fields[].before', 'changes[].fields[].after'],
  ...[
    'changes[].fields[].wrote',
    'fields[].samples[].before',
    'fields[].samples[].after',
    'fields[].samples[].source',
    'fields[].samples[].there',
  ],
  ...[
    'deliveries[].notKept',
    'deliveries[].fields[].value',
    'deliveries[].fields[].place',
    'deliveries[].fields[].reads[].value',
  ],
  // alerts
  ...['routes[].lastError', 'open[].content', 'items[].content'],
  // the audit
  ...['items[].detail'],
  // the playground
  ...['parts[].values', 'origins[].reads[].value', 'joins'],
  ...['journal[].input', 'journal[].output', 'journal[].before', 'journal[].error'],
])
