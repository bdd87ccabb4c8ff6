import { relative } from 'node:path'
import type { Command } from 'commander'
import { loadAssembly } from '../assembly.ts'
import type { MakeContext } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { findingText } from '../findings.ts'

export function define(command: Command, makeContext: MakeContext): void {
  command
    .command('connector')
    .description('a first manifest out of a description of the API; read it before it is used')
    .argument('<name>', 'name of the connector; that of its folder in connectors/')
    .requiredOption(
      '--from-openapi <file...>',
      'OpenAPI 3 or Swagger 2 (JSON or YAML), $metadata of OData or a WSDL (XML)',
    )
    .action(async (name: string, { fromOpenapi }: { fromOpenapi: string[] }) => {
      const context = makeContext()
      const { createConnector } = await loadAssembly()
      const created = await createConnector({ dir: context.dir, name, specs: fromOpenapi })
      context.output.result('create.connector', JSON.stringify(created), () =>
        [
          `Wrote ${created.files.length} files to ${relative(process.cwd(), created.folder) || '.'}.`,
          created.streams.length ? `Streams: ${created.streams.join(', ')}` : 'No list of records was found.',
          'Read the manifest line by line, then describe the API in samples/api.yaml and run',
          `  npx causeway connectors test ${name}`,
        ].join('\n'),
      )
      for (const finding of created.findings) context.output.note(findingText(finding, context.dir))
      if (created.findings.some(({ severity }) => severity === 'error')) process.exitCode = EXIT.config
    })
}
