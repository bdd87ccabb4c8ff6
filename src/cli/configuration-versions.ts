/** Versions of the configuration, of a mapping, and what differs between two. */
import { withApi, withQuery } from './api.ts'
import type { CliContext } from './context.ts'
import { paint, type Style } from './output.ts'
import { printable } from './printable.ts'
import { usageError } from './report-error.ts'
import { fields, table, time } from './table.ts'

type Version = {
  version: number
  at: string
  how: 'start' | 'edit' | 'plan' | 'roll_back'
  actor: string
  host: string
  reason: string | null
  environment: string | null
  backTo: number | null
  inForce: boolean
  files: { path: string; change: string }[]
  items: { kind: string; name: string; change: string }[]
}
type Shown = Version & { kept: { path: string; digest: string; bytes: number; masked: boolean }[] }
type Difference = { path: string; change: 'added' | 'changed' | 'removed'; masked: boolean; patch: string | null }
type MappingVersion = { version: string; firstUsedAt: string; configurations: number[]; source: string }
type Page<T> = { items: T[]; next: string | null }

export const VERSIONS = '/api/v1/configuration/versions'

export type ListOptions = { sync?: string; mapping?: string; limit?: string; cursor?: string }

export async function listVersions({ output, ...context }: CliContext, options: ListOptions): Promise<void> {
  const json = await withApi({ ...context, output }, (api) => api.call('GET', withQuery(VERSIONS, options)))
  output.result('config.versions', json, () => {
    const { items, next } = JSON.parse(json) as Page<Version>
    const rows = items.map((one) => [
      `${one.version}${one.inForce ? ' *' : ''}`,
      time(one.at),
      howText(one),
      one.actor,
      summary(one),
      one.reason ?? '',
    ])
    const shown = table(['version', 'at', 'by', 'who', 'what changed', 'why'], rows, 'No configuration was kept yet.')
    return next ? `${shown}\nMore: --cursor ${next}` : shown
  })
}

const howText = ({ how, backTo }: Version): string => (how === 'roll_back' ? `roll-back to ${backTo}` : how)

/** Items by name, or files where no item changed: a comment, a setting of the hub. */
function summary({ items, files }: Version): string {
  const named = items.length > 0 ? items.map(({ kind, name, change }) => `${MARKS[change]![0]} ${kind} ${name}`) : []
  const shown = named.length > 0 ? named : files.map(({ path, change }) => `${MARKS[change]![0]} ${path}`)
  return shown.length > MOST_NAMED
    ? `${shown.slice(0, MOST_NAMED).join(', ')} and ${shown.length - MOST_NAMED} more`
    : shown.join(', ')
}
const MOST_NAMED = 4

const MARKS: Record<string, [string, Style]> = {
  added: ['+', 'green'],
  changed: ['~', 'yellow'],
  removed: ['-', 'red'],
}

/** What a version is and holds; with a path the file as it stood. */
export async function showVersion({ output, ...context }: CliContext, version: string, path?: string): Promise<void> {
  const address = `${VERSIONS}/${numberOfVersion(version)}`
  const query = path === undefined ? address : withQuery(`${address}/file`, { path })
  const json = await withApi({ ...context, output }, (api) => api.call('GET', query))
  output.result(path === undefined ? 'config.show' : 'config.file', json, () => {
    if (path === undefined) return shownText(JSON.parse(json) as Shown)
    const { text, masked } = JSON.parse(json) as { text: string; masked: boolean }
    if (masked) output.note(`A secret stood in ${printable(path)}; it is not kept.`)
    return text
  })
}

function shownText(version: Shown): string {
  return [
    fields([
      ['version', `${version.version}${version.inForce ? ', in force' : ''}`],
      ['since', time(version.at)],
      ['by', howText(version)],
      ['who', version.actor],
      ['host', version.host],
      ...(version.reason ? [['why', version.reason] as [string, string]] : []),
      ...(version.environment ? [['environment', version.environment] as [string, string]] : []),
    ]),
    '',
    ...version.items.map(({ kind, name, change }) => `${mark(change)} ${printable(`${kind} ${name}`)}`),
    ...(version.items.length > 0 ? [''] : []),
    table(
      ['file', 'bytes', 'here'],
      version.kept.map(({ path, bytes, masked }) => {
        const change = version.files.find((one) => one.path === path)?.change ?? 'as before'
        return [path, bytes, masked ? `${change}; a secret in it is not kept` : change]
      }),
      'No files.',
    ),
  ].join('\n')
}

const mark = (change: string): string => paint(MARKS[change]![1], MARKS[change]![0])

export async function compareVersions({ output, ...context }: CliContext, a: string, b?: string): Promise<void> {
  const to = b === undefined ? undefined : numberOfVersion(b)
  const query = withQuery(`${VERSIONS}/${numberOfVersion(a)}/differences`, { to })
  const json = await withApi({ ...context, output }, (api) => api.call('GET', query))
  output.result('config.diff', json, () => {
    const found = JSON.parse(json) as { from: number; to: number; files: Difference[] }
    if (found.files.length === 0) return `Versions ${found.from} and ${found.to} have the same files.`
    return found.files.map(differenceText).join('\n')
  })
}

function differenceText({ path, change, masked, patch }: Difference): string {
  return [
    `${mark(change)} ${printable(path)}${masked ? ' (a secret in it is not kept)' : ''}`,
    ...(patch === null ? ['  too much differs to be shown'] : patch.split('\n').filter(Boolean).map(patchLine)),
  ].join('\n')
}

const PATCH_STYLES: Record<string, Style> = { '+': 'green', '-': 'red', '@': 'dim' }
function patchLine(line: string): string {
  const style = PATCH_STYLES[line[0] ?? '']
  const text = `  ${printable(line)}`
  return style ? paint(style, text) : text
}

/** The versions of a sync's mapping, or the text of one. */
export async function showMapping(
  { output, ...context }: CliContext,
  sync: string,
  version: string | undefined,
  options: Pick<ListOptions, 'limit' | 'cursor'>,
): Promise<void> {
  const address = `/api/v1/syncs/${encodeURIComponent(sync)}/mappings`
  const query = version === undefined ? withQuery(address, options) : `${address}/${encodeURIComponent(version)}`
  const json = await withApi({ ...context, output }, (api) => api.call('GET', query))
  output.result(version === undefined ? 'config.mappings' : 'config.mapping', json, () => {
    if (version !== undefined) return (JSON.parse(json) as MappingVersion).source
    const { items, next } = JSON.parse(json) as Page<MappingVersion>
    const rows = items.map((one) => [one.version, time(one.firstUsedAt), one.configurations.join(', ')])
    const shown = table(['mapping', 'first used', 'versions of the configuration'], rows, 'It never ran.')
    return next ? `${shown}\nMore: --cursor ${next}` : shown
  })
}

export function numberOfVersion(text: string): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number > 0) return number
  throw usageError(`${JSON.stringify(text)} is no version.`, 'Give a number; `causeway config versions` lists them.')
}
