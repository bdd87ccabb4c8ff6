/** Answers what a shell asks on <Tab>: the words so far go in, suggestions come out. */
import { RootCommand } from '@bomb.sh/tab'
import type { Argument, Command, Option } from 'commander'
import { kindOfArgument, kindOfOption, namesOf, type Place } from './names.ts'

type Names = readonly string[]

/**
 * Prints suggestions for a command line, as the scripts of `causeway complete SHELL` read them. `words` is what follows the name of the
 * program; the last one is being typed, and may be empty.
 */
export async function suggest(program: Command, words: readonly string[], place: Place): Promise<void> {
  const root = new RootCommand()
  const word = words.at(-1) ?? ''
  const named = words.filter((text) => !text.startsWith('-'))
  await describe(root, program, program, place, word)
  for (const command of visible(program)) {
    const own = root.command(command.name(), command.summary() || command.description())
    await describe(own, program, command, place, word)
    if (!named.includes(command.name())) continue
    for (const sub of visible(command)) {
      const inner = root.command(`${command.name()} ${sub.name()}`, sub.description())
      await describe(inner, program, sub, place, word, command)
    }
  }
  root.parse([...words])
}

const visible = (command: Command): readonly Command[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .filter((each) => each.name() !== 'help')

/** The options and arguments of a command, with the names that may stand there. Those of the program go everywhere. */
async function describe(
  own: ReturnType<RootCommand['command']>,
  program: Command,
  command: Command,
  place: Place,
  word: string,
  group = command,
): Promise<void> {
  const options = new Set([...program.options, ...command.options].filter((option) => !option.hidden))
  for (const option of options) {
    const long = option.long?.replace(/^--/, '')
    if (long === undefined) continue
    const short = option.short?.slice(1)
    if (!option.required && !option.optional) own.option(long, option.description, short)
    else own.option(long, option.description, offering(await valuesOf(option, place, word)), short)
  }
  for (const argument of command.registeredArguments)
    own.argument(argument.name(), offering(await valuesOfArgument(group, argument, place, word)), argument.variadic)
}

/** Only the last option typed is asked for its values, but which one that is the library finds; reading them is cheap. */
async function valuesOf(option: Option, place: Place, word: string): Promise<Names> {
  if (option.argChoices) return option.argChoices
  const placeholder = /[<[]([^>\].]+)/.exec(option.flags)?.[1] ?? ''
  const kind = kindOfOption(option.attributeName(), placeholder)
  return kind ? namesOf(kind, place, word) : []
}

async function valuesOfArgument(group: Command, argument: Argument, place: Place, word: string): Promise<Names> {
  if (argument.argChoices) return argument.argChoices
  const kind = kindOfArgument(group.name(), argument.name())
  return kind ? namesOf(kind, place, word) : []
}

const offering =
  (names: Names) =>
  (offer: (value: string, description: string) => void): void => {
    for (const name of names) offer(name, '')
  }
