/** What the sandbox processes run: programs in, mapped records out. */
import { CausewayError } from '../core/index.ts'
import { serveSandbox } from '../expression/index.ts'
import { type PreparedProgram, prepare } from './prepare.ts'
import type { Program, RecordHead, Request } from './program.ts'
import { joinKeysOf, mapRecord } from './run-record.ts'

// Without an environment the zone would be the machine's; expressions must give the same everywhere.
process.env.TZ = 'UTC'

/** Larger results are refused: they would be written to tables and sent on. */
const MAX_OUTPUT_CHARS = 5_000_000

await serveSandbox<PreparedProgram>({
  load: (program) => prepare(program as Program),
  run: async (prepared, head, texts, options) => {
    const { operation, now } = options as Request
    const answer = operation === 'map' ? mapRecord : joinKeysOf
    const text = JSON.stringify(await answer(prepared, head as RecordHead, texts, now))
    if (text.length <= MAX_OUTPUT_CHARS) return text
    const error = new CausewayError('CSW-4003', { what: 'The mapping of this record gave more than 5 MB' })
    return JSON.stringify({ status: 'failed', error })
  },
})
