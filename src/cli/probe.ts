import type { Api } from './api.ts'
import { paint } from './output.ts'
import { printable } from './printable.ts'

export type Probe = {
  ok: boolean
  steps: { step: string; ok: boolean; detail: string; code: string | null; fix: string | null }[]
}

/** Walks a connection through the hub: DNS, TLS, authorisation, a first page. */
export async function probe(api: Api, connection: string): Promise<Probe> {
  return JSON.parse(await api.call('POST', `/api/v1/connections/${encodeURIComponent(connection)}/test`, {})) as Probe
}

export const stepLines = ({ steps }: Probe): string =>
  steps
    .map(({ step, ok, detail, code, fix }) => {
      const mark = ok ? paint('green', '✓') : paint('red', '✗')
      const remedy = ok || !fix ? '' : `\n    fix: ${printable(fix)}`
      return `${mark} ${step}  ${printable(detail)}${code ? `  ${code}` : ''}${remedy}`
    })
    .join('\n')
