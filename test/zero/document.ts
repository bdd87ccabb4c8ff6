import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What a page asks its reader to do: write a file, or run commands; `shows` is what the page says will be printed. */
export type Step =
  | { kind: 'file'; path: string; text: string }
  | { kind: 'run'; script: string; again: boolean; shows: string | undefined }
export type Section = { title: string; steps: Step[] }

const BLOCK = /^## (?<title>[^\n]+)$|^```(?<language>\w+)(?<info>[^\n]*)\n(?<text>.*?)^```$/gms

/**
 * The marked blocks of a page of docs/, by heading: ` ```sh test` is run, ` ```sh test again` is run until it prints what the
 * ` ```text` block behind it shows, ` ```yaml test FILE` (any language) is that file. Blocks without a mark are for reading.
 */
export function sectionsOf(page: string): Section[] {
  const sections: Section[] = []
  for (const { groups } of readFileSync(join(import.meta.dirname, '../../docs', page), 'utf8').matchAll(BLOCK)) {
    const { title, language, info, text } = groups as Record<string, string | undefined>
    if (title) sections.push({ title, steps: [] })
    const steps = sections.at(-1)?.steps
    const [mark, argument] = (info ?? '').trim().split(' ')
    if (language === 'text') {
      const before = steps?.at(-1)
      if (before?.kind !== 'run' || before.shows !== undefined) throw new Error(`no command prints this:\n${text}`)
      before.shows = text!
    } else if (mark === 'test' && language === 'sh')
      steps!.push({ kind: 'run', script: text!, again: argument === 'again', shows: undefined })
    else if (mark === 'test') steps!.push({ kind: 'file', path: argument!, text: text! })
  }
  return sections
}

/** Whether all of `output` is what a page shows: `…` in a line stands for any characters, alone in a line for any lines. */
export function isShown(shows: string, output: string): boolean {
  const lines = shows.split('\n').slice(0, -1)
  const pattern = lines.map((line) =>
    line === '…' ? '(?:[^\\n]*\\n)*' : `${line.split('…').map(literally).join('[^\\n]*')}\\n`,
  )
  return new RegExp(`^${pattern.join('')}$`).test(output)
}

const literally = (text: string): string => text.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&')
