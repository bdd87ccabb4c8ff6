/** One log line for a person at a terminal. */

type Line = { level: string; time: string; msg?: string; err?: Record<string, unknown> } & Record<string, unknown>

const COLOURS: Record<string, number> = { fatal: 31, error: 31, warn: 33, info: 32, debug: 36, trace: 90 }
const GREY = 90
/** Shown in front of the message, because it says whose line this is. */
const CONTEXT = ['connection', 'stream', 'sync']
/** Shown in places of their own, or of no use to somebody who watches. */
const ELSEWHERE = new Set(['level', 'time', 'pid', 'msg', 'err', ...CONTEXT])

/** Turns a JSON line of the log into a short one: time, level, whose, message, the rest as name=value, error below. */
export function shortLine(json: string, colour: boolean): string {
  const line = JSON.parse(json) as Line
  const paint = (code: number, text: string) => (colour && text ? `\u001b[${code}m${text}\u001b[0m` : text)
  const whose = CONTEXT.flatMap((name) => (line[name] === undefined ? [] : String(line[name]))).join(' ')
  const rest = Object.entries(line).filter(([name]) => !ELSEWHERE.has(name))
  const parts = [
    paint(GREY, new Date(line.time).toTimeString().slice(0, 8)),
    paint(COLOURS[line.level] ?? GREY, line.level.padEnd(5)),
    whose && paint(36, whose),
    line.msg ?? '',
    paint(GREY, rest.map(([name, value]) => `${name}=${shown(value)}`).join(' ')),
  ]
  return `${parts.filter((part) => part !== '').join(' ')}\n${errorLines(line.err)}`
}

const shown = (value: unknown): string =>
  typeof value === 'string' && !/\s/.test(value) ? value : JSON.stringify(value)

function errorLines(error: Record<string, unknown> | undefined): string {
  if (!error || typeof error !== 'object') return ''
  const { code, type, what, why, fix, place, stack } = error
  const at = place as { file?: string; line?: number; column?: number } | undefined
  const where = at ? [at.file, at.line, at.column].filter((part) => part !== undefined).join(':') : ''
  const lines = [
    [code ?? type, what ?? why].filter((part) => part !== undefined).join(' '),
    where && `at ${where}`,
    typeof fix === 'string' ? `fix: ${fix}` : '',
    ...(Array.isArray(stack) ? stack.map(String) : []),
  ]
  return lines
    .filter((text) => text !== '')
    .map((text) => `         ${text}\n`)
    .join('')
}
