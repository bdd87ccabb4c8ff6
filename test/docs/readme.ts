import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '../..')
export const README = readFileSync(join(ROOT, 'README.md'), 'utf8')

/**
 * The README's marked blocks as one script: ` ```sh test` is run, ` ```yaml test FILE` is written to that file. What a reader
 * does from top to bottom, so that the README cannot promise what does not work.
 */
export function readmeScript(): string {
  const blocks = README.matchAll(/^```(sh|yaml) test ?(\S*)\n(.*?)^```$/gms)
  return [...blocks]
    .map(([, language, file, text]) =>
      language === 'sh' ? text : `cat > ${file} <<'END OF FILE'\n${text}END OF FILE\n`,
    )
    .join('')
}

/** The JSON envelopes among what commands printed, by kind. */
export function envelopes(stdout: string): Map<string, Record<string, unknown>> {
  const lines = stdout.split('\n').filter((line) => line.startsWith('{"causeway"'))
  return new Map(
    lines.map((line) => {
      const { kind, data } = JSON.parse(line) as { kind: string; data: Record<string, unknown> }
      return [kind, data]
    }),
  )
}
