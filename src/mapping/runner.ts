import { digest, type JsonObject, type Place, type SerializedError, sameJson, type YamlFile } from '../core/index.ts'
import { Sandbox, type SandboxItem, type SandboxProgram } from '../expression/index.ts'
import { type Answer, unpackAnswer } from './answers.ts'
import type { JoinKeys, MapInput, MapOutput, MappingRunner, SyncDefinition } from './contract.ts'
import { type Program, packHead, type Request } from './program.ts'
import { mappingOf } from './read.ts'

export type MappingRunnerOptions = {
  /** Sandbox processes; 1 unless told otherwise, at most one per core. They start when they are warmed or with the first record. */
  processes?: number
  /** What one record may take before its process is killed. */
  timeLimitMs?: number
  memoryMb?: number
  /** Told once when the processes work without a network of their own, and why. */
  onSharedNetwork?: (reason: string) => void
  /** The schema of what a sync's target takes, where known: it decides how exact numbers are written. */
  targetSchema?: (sync: SyncDefinition) => JsonObject | undefined
  /** A fixed instant for $now and $millis in all mappings, for tests. */
  now?: Date
}

/** The runner with what tests need: a clock per call, changed programs, which way conditions went, the ids of its processes. */
export type SandboxedRunner = Omit<MappingRunner, 'map'> & {
  map(sync: SyncDefinition, inputs: MapInput[], signal?: AbortSignal, now?: Date): Promise<MapOutput[]>
  mapTraced(
    sync: SyncDefinition,
    program: Omit<Program, 'schema'>,
    inputs: MapInput[],
    now: Date,
  ): Promise<{ output: MapOutput; branches: string[] }[]>
  readonly pids: number[]
}

// In the package the rooms are JavaScript, in the checkout TypeScript; the entry follows.
const ENTRY = new URL(import.meta.url.endsWith('.ts') ? './sandbox-entry.ts' : './sandbox-entry.js', import.meta.url)

/** Runs mappings in sandbox processes. A record that takes too much fails alone; batches are never lost. */
export function createMappingRunner(options: MappingRunnerOptions = {}): SandboxedRunner {
  const sandbox = new Sandbox({ ...options, entry: ENTRY })
  const loaded = new LoadedMappings(options.targetSchema)

  const run = async (
    operation: Request['operation'],
    sync: SyncDefinition,
    inputs: MapInput[],
    signal?: AbortSignal,
    now?: Date,
  ): Promise<Answer[]> => {
    const request: Request = { operation, now: (now ?? options.now)?.getTime() ?? null }
    const { program, yaml } = loaded.of(sync)
    const results = await sandbox.run(program, inputs.map(itemOf), request, signal)
    return results.map((result): Answer => {
      const answer = 'error' in result ? failed(result.error.toJSON()) : unpackAnswer(result)
      return answer.status === 'failed' ? failed(withPlace(answer.error, sync, yaml)) : answer
    })
  }

  return {
    map: async (sync, inputs, signal, now) => (await run('map', sync, inputs, signal, now)) as MapOutput[],
    mapTraced: async (sync, program, inputs, now) => {
      const { schema, yaml } = loaded.of(sync)
      const whole = programFor(program, schema)
      const request: Request = { operation: 'map', now: now.getTime(), trace: true }
      const results = await sandbox.run(whole, inputs.map(itemOf), request)
      return results.map((result) => {
        if ('error' in result) return { output: failed(result.error.toJSON()) as MapOutput, branches: [] }
        const { branches = [], ...output } = unpackAnswer(result)
        const placed = output.status === 'failed' ? failed(withPlace(output.error, sync, yaml)) : output
        return { output: placed as MapOutput, branches }
      })
    },
    joinKeys: async (sync, inputs, signal) => {
      if (sync.joins.length === 0) return inputs.map(() => ({}))
      return (await run('joinKeys', sync, inputs, signal)).map(joinKeysAnswer)
    },
    warm: (syncs) => sandbox.warm(syncs.map((sync) => loaded.of(sync).program)),
    close: async () => sandbox.close(),
    get pids() {
      return sandbox.pids
    },
  }
}

function itemOf(input: MapInput): SandboxItem {
  const joins = Object.keys(input.joins ?? {})
  const head = packHead({ id: input.id, deleted: input.deleted ?? false, joins })
  return { head, texts: [input.body, ...Object.values(input.joins ?? {})] }
}

const failed = (error: SerializedError): Answer => ({ status: 'failed', error })

const joinKeysAnswer = (answer: Answer): JoinKeys | SerializedError => {
  if (answer.status === 'keys') return answer.keys
  if (answer.status === 'failed') return answer.error
  throw new TypeError(`unexpected answer ${answer.status}`)
}

/** The sandbox knows the expression and the offset in it; where that stands in the file is known here. */
function withPlace(error: SerializedError, sync: SyncDefinition, yaml: YamlFile): SerializedError {
  const { data: all = {}, ...rest } = error
  const { mappingPath, offset, ...data } = all as { mappingPath?: (string | number)[]; offset?: number }
  const place: Place = mappingPath ? yaml.placeInScalar(mappingPath, offset ?? 0) : { file: sync.file }
  return { ...rest, place, ...(Object.keys(data).length > 0 ? { data } : {}) }
}

function programFor(program: Omit<Program, 'schema'>, schema: JsonObject | null): SandboxProgram {
  const whole: Program = { ...program, schema }
  return { digest: digest(JSON.stringify(whole)), program: whole }
}

type Loaded = { schema: JsonObject | null; yaml: YamlFile; program: SandboxProgram }

/** Old versions are kept while work on them may be under way; more than this many at once means they are not. */
const MAX_LOADED = 500

/** Programs by sync version: a mapping is read once, and its digest is what the children remember it by. */
class LoadedMappings {
  readonly #targetSchema: MappingRunnerOptions['targetSchema']
  readonly #known = new Map<string, Loaded>()

  constructor(targetSchema: MappingRunnerOptions['targetSchema']) {
    this.#targetSchema = targetSchema
  }

  of(sync: SyncDefinition): Loaded {
    const schema = this.#targetSchema?.(sync) ?? null
    const known = this.#known.get(sync.version)
    // A description may be made anew for every question, so identity alone does not tell whether it changed.
    if (known && (known.schema === schema || sameJson(known.schema, schema))) return known
    const { program, yaml } = mappingOf(sync)
    const loaded = { schema, yaml, program: programFor(program, schema) }
    if (this.#known.size >= MAX_LOADED) this.#known.clear()
    this.#known.set(sync.version, loaded)
    return loaded
  }
}
