import { text } from 'node:stream/consumers'
import { usageError } from './report-error.ts'

/** Not an option: command lines are seen by everybody on the machine and kept in histories. */
export async function secretFromStdin(what: 'Password' | 'Secret'): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write(`${what} (shown as you type; end with ctrl-d): `)
  const given = (await text(process.stdin)).replace(/\r?\n$/, '')
  if (given === '')
    throw usageError(`No ${what.toLowerCase()} came on stdin.`, 'Pipe it in, like `pass show causeway | causeway …`.')
  return given
}
