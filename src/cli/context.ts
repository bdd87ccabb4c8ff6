import { resolve } from 'node:path'
import { nearestName } from '../core/index.ts'
import { FORMATS, type Format, Output } from './output.ts'
import { profileNamed } from './profiles.ts'
import { usageError } from './report-error.ts'

/** Options that every command understands. */
export type GlobalOptions = {
  dir?: string
  output?: string
  env?: string
  url?: string
  tokenFile?: string
  profile?: string
  color?: boolean
}

/** What a command is given. */
export type CliContext = {
  dir: string
  output: Output
  url: string | undefined
  tokenFile: string | undefined
  version: string
}

/** Makes the context when the command runs: only then are all options known. */
export type MakeContext = (command?: { longRunning?: boolean; formats?: readonly Format[] }) => CliContext

/**
 * Long-running commands speak to whoever watches their log, so they stay human unless asked. All others give JSON where
 * stdout is no terminal, because then a program reads it.
 */
export function makeContext(
  options: GlobalOptions,
  version: string,
  command: { longRunning?: boolean; formats?: readonly Format[] } = {},
): CliContext {
  // Wherever the files of the hub are read, also by processes that this one starts.
  if (options.env !== undefined) process.env.CAUSEWAY_ENV = options.env
  if (options.color === false) process.env.NO_COLOR = '1'
  const allowed = command.formats ?? ['human', 'json', 'ndjson']
  // What stands on the command line counts more than what a profile remembers.
  const named = options.profile ?? (options.url === undefined ? process.env.CAUSEWAY_PROFILE : undefined)
  const profile = named === undefined ? undefined : profileNamed(named)
  return {
    dir: resolve(options.dir ?? '.'),
    output: new Output(
      chooseFormat(options.output ?? process.env.CAUSEWAY_OUTPUT, allowed, command.longRunning ?? false),
    ),
    url: options.url ?? profile?.url ?? process.env.CAUSEWAY_URL,
    // A token goes to the hub that it was remembered for, and to no other.
    tokenFile: options.tokenFile ?? (options.url === undefined ? profile?.tokenFile : undefined),
    version,
  }
}

function chooseFormat(wanted: string | undefined, allowed: readonly Format[], longRunning = false): Format {
  if (wanted === undefined) return longRunning || process.stdout.isTTY ? 'human' : 'json'
  const known = FORMATS.find((format) => format === wanted)
  if (known && allowed.includes(known)) return known
  const near = nearestName(wanted, allowed)
  throw usageError(
    `--output ${JSON.stringify(wanted)} is not a format of this command.`,
    `${near ? `Did you mean "${near}"? ` : ''}It knows ${allowed.join(', ')}.`,
  )
}
