import { COMMANDS } from './commands/index.ts'
import type { MakeContext } from './context.ts'
import { packageVersion } from './package-info.ts'

/** Runs one command line and gives the exit code. Heavy modules are loaded only by the commands that need them. */
export async function main(argv: string[]): Promise<number> {
  stopQuietlyWhenNobodyReads()
  const [{ Command, CommanderError }, { makeContext }, { reportError, usageError }, { EXIT }] = await Promise.all([
    import('commander'),
    import('./context.ts'),
    import('./report-error.ts'),
    import('./exit-codes.ts'),
  ])
  const program = new Command('causeway')
    .description('Keeps the systems a company has telling each other the same story.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .option('-C, --dir <folder>', 'hub folder (the one with causeway.yaml)', '.')
    .option('-o, --output <format>', 'human or json, also ndjson; json when stdout is no terminal')
    .option('--env <name>', 'which of `environments:` to lay over the hub file')
    .option('--url <url>', 'hub to talk to; otherwise the one that runs in the hub folder')
    .option('--token-file <file>', 'file with the token for it')
    .option('--profile <profile>', 'hub and token file by the name that `profiles set` gave them')
    .option('--no-color', 'no colours (also NO_COLOR)')
    .showHelpAfterError(false)
    .exitOverride()
    .configureOutput({ outputError: () => {} })
  const version = packageVersion()
  const contextOf: MakeContext = (command) => makeContext(program.opts(), version, command)
  for (const { name, summary, load } of COMMANDS) {
    const command = program.command(name).description(summary)
    if (argv.includes(name)) (await load()).define(command, contextOf)
    // Sub-commands made by `define` do not inherit these.
    for (const each of [command, ...command.commands]) each.copyInheritedSettings(program)
  }

  try {
    await program.parseAsync(argv, { from: 'user' })
    return Number(process.exitCode ?? EXIT.ok)
  } catch (thrown) {
    const { dir, output } = program.opts<{ dir: string; output?: string }>()
    // A person reads stderr, also where stdout goes into a file; JSON errors are for those who asked for JSON.
    const format = output === 'json' || output === 'ndjson' ? 'json' : 'human'
    const context = { format, dir } as const
    if (!(thrown instanceof CommanderError)) return reportError(thrown, context)
    if (thrown.exitCode === 0) return EXIT.ok
    // A group without its sub-command has printed its help already.
    if (thrown.code === 'commander.help') return EXIT.usage
    return reportError(commanderFault(thrown.message, usageError), context)
  }
}

/** "error: unknown command 'rnu'\n(Did you mean run?)" in our form. */
function commanderFault(message: string, usageError: (what: string, fix?: string) => Error): Error {
  const [what = '', suggestion] = message.replace(/^error: /, '').split('\n')
  const fix = suggestion?.replace(/^\((.*)\)$/, '$1')
  return usageError(`${what[0]?.toUpperCase() ?? ''}${what.slice(1)}.`, fix)
}

/** `causeway runs list | head -1` closes our stdout early; that is no failure. */
function stopQuietlyWhenNobodyReads(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      process.exit()
    })
}
