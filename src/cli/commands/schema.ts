import type { Command } from 'commander'
import { loadAssembly } from '../assembly.ts'
import { usageError } from '../report-error.ts'

export function define(command: Command): void {
  command.argument('<kind>', 'connector: the manifest of a connector').action(async (kind: string) => {
    if (kind !== 'connector') throw usageError(`There is no schema ${JSON.stringify(kind)}.`, 'It knows: connector.')
    // The schema itself, without an envelope: it goes into a file for an editor.
    process.stdout.write(`${JSON.stringify((await loadAssembly()).connectorSchema(), null, 2)}\n`)
  })
}
