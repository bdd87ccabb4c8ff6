import type { Command } from 'commander'
import { nearestName } from '../../core/index.ts'
import { loadAssembly } from '../assembly.ts'
import { usageError } from '../report-error.ts'

export function define(command: Command): void {
  const kinds =
    'connector: the manifest of a connector; hub: causeway.yaml; mapping: a file in mappings/; test: tests beside it; entity: a file in entities/'
  command.argument('<kind>', kinds).action(async (kind: string) => {
    const { connectorSchema, SCHEMAS } = await loadAssembly()
    const kinds = ['connector', ...Object.keys(SCHEMAS)]
    if (!kinds.includes(kind)) {
      const near = nearestName(kind, kinds)
      throw usageError(
        `There is no schema ${JSON.stringify(kind)}.`,
        `${near ? `Did you mean "${near}"? ` : ''}It knows: ${kinds.join(', ')}.`,
      )
    }
    const schema = SCHEMAS[kind] ?? connectorSchema()
    // The schema itself, without an envelope: it goes into a file for an editor.
    process.stdout.write(`${JSON.stringify(schema, null, 2)}\n`)
  })
}
