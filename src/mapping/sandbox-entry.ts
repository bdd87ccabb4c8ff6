/** What the sandbox processes run: programs in, mapped records out. */
import { CausewayError } from '../core/index.ts'
import { serveSandbox } from '../expression/index.ts'
import { type Answer, packAnswer } from './answers.ts'
import { branchId, type TracedOutput } from './branches.ts'
import { type PreparedProgram, prepare } from './prepare.ts'
import { type PackedHead, type Program, type RecordHead, type Request, unpackHead } from './program.ts'
import { joinKeysOf, mapRecord } from './run-record.ts'

// Without an environment the zone would be the machine's; expressions must give the same everywhere.
process.env.TZ = 'UTC'

/** Larger results are refused: they would be written to tables and sent on. */
const MAX_OUTPUT_CHARS = 5_000_000

type Loaded = { program: Program; prepared: PreparedProgram; traced: Traced | null }

/** A program whose conditions tell which way they went. */
class Traced {
  readonly #taken = new Set<string>()
  readonly #prepared: PreparedProgram

  constructor(program: Program) {
    this.#prepared = prepare(program, (path, offset, branch) => this.#taken.add(branchId(path, offset, branch)))
  }

  async map(head: RecordHead, texts: string[], now: number | null): Promise<TracedOutput> {
    this.#taken.clear()
    const output = await mapRecord(this.#prepared, head, texts, now)
    return { ...output, branches: [...this.#taken] }
  }
}

async function answer(
  loaded: Loaded,
  head: RecordHead,
  texts: string[],
  { operation, now, trace }: Request,
): Promise<Answer> {
  if (operation === 'joinKeys') return joinKeysOf(loaded.prepared, head, texts, now)
  if (!trace) return mapRecord(loaded.prepared, head, texts, now)
  loaded.traced ??= new Traced(loaded.program)
  return loaded.traced.map(head, texts, now)
}

await serveSandbox<Loaded>({
  load: (program) => ({ program: program as Program, prepared: prepare(program as Program), traced: null }),
  run: async (loaded, head, texts, options) => {
    const result = packAnswer(await answer(loaded, unpackHead(head as PackedHead), texts, options as Request))
    const size = result.texts.reduce((sum, text) => sum + text.length, 0)
    if (size <= MAX_OUTPUT_CHARS) return result
    const error = new CausewayError('CSW-4003', { what: 'The mapping of this record gave more than 5 MB' })
    return packAnswer({ status: 'failed', error: error.toJSON() })
  },
})
