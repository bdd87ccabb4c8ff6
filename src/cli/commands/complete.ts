import { script } from '@bomb.sh/tab'
import type { Command } from 'commander'
import { namesPlace } from '../completion/place.ts'
import { suggest } from '../completion/suggest.ts'
import type { MakeContext } from '../context.ts'

const SHELLS = ['bash', 'zsh', 'fish', 'powershell']

/** `causeway complete bash` prints a script for the shell; the script asks with `causeway complete -- WORDS`. */
export function define(command: Command, makeContext: MakeContext): void {
  const program = command.parent!
  command
    .argument('[shell]', `prints the script for it: ${SHELLS.join(', ')}`)
    .argument('[words...]', 'behind `--`: the words so far, the last of them unfinished; what the scripts ask')
    .addHelpText('after', '\nbash: causeway complete bash > ~/.local/share/bash-completion/completions/causeway')
    .action(async (shell: string | undefined) => {
      const { rawArgs } = program as Command & { rawArgs: string[] }
      const asked = rawArgs.indexOf('--')
      if (asked >= 0) {
        const words = rawArgs.slice(asked + 1)
        await suggest(program, words, namesPlace(makeContext(), words))
      } else if (shell !== undefined && SHELLS.includes(shell)) script(shell, 'causeway', 'causeway')
      else {
        const { usageError } = await import('../report-error.ts')
        throw usageError(
          `Which shell is it? ${shell ?? 'None'} is none of those known.`,
          `It knows ${SHELLS.join(', ')}.`,
        )
      }
    })
}
