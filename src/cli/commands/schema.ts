import type { Command } from 'commander'
import { loadAssembly } from '../assembly.ts'
import { usageError } from '../report-error.ts'

export function define(command: Command): void {
  const kinds = 'connector: the manifest of a connector; entity: a file in entities/'
  command.argument('<kind>', kinds).action(async (kind: string) => {
    const { connectorSchema, entitySchema } = await loadAssembly()
    const schema = kind === 'connector' ? connectorSchema() : kind === 'entity' ? entitySchema : undefined
    if (!schema) throw usageError(`There is no schema ${JSON.stringify(kind)}.`, 'It knows: connector, entity.')
    // The schema itself, without an envelope: it goes into a file for an editor.
    process.stdout.write(`${JSON.stringify(schema, null, 2)}\n`)
  })
}
