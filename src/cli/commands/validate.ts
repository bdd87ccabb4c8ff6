import type { Command } from 'commander'
import { type Finding, hasErrors } from '../../core/index.ts'
import { loadAssembly } from '../assembly.ts'
import type { MakeContext } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { annotation, demandPaths, findingText } from '../findings.ts'
import { sarif } from '../sarif.ts'
import { chosenPaths, SELECT } from '../selection.ts'

export function define(command: Command, makeContext: MakeContext): void {
  command
    .argument('[paths...]', 'files or folders; without them everything')
    .option('--strict', 'warnings count as errors')
    .option(...SELECT)
    .action(async (given: string[], options: { strict?: boolean; select?: string }) => {
      const context = makeContext({ formats: ['human', 'json', 'ndjson', 'github', 'sarif'] })
      await demandPaths(context.dir, given)
      const { checkProject } = await loadAssembly()
      const paths = await chosenPaths(context.dir, given, options.select)
      const { files, findings } = await checkProject({ dir: context.dir, paths })
      const wrong = options.strict ? findings.length > 0 : hasErrors(findings)
      if (context.output.format === 'github') context.output.text(findings.map(annotation).join('\n'))
      else if (context.output.format === 'sarif') context.output.text(sarif(findings, context.version))
      else
        context.output.result('validate', JSON.stringify({ ok: !wrong, files, items: findings }), () =>
          [...findings.map((finding) => findingText(finding, context.dir)), summary(files, findings)].join('\n\n'),
        )
      if (wrong) process.exitCode = EXIT.config
    })
}

function summary(files: number, findings: Finding[]): string {
  const errors = findings.filter(({ severity }) => severity === 'error').length
  const warnings = findings.length - errors
  const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`
  return `${count(files, 'file')} checked: ${findings.length ? `${count(errors, 'error')}, ${count(warnings, 'warning')}` : 'all well'}.`
}
