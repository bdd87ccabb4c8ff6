import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  type ConnectorSession,
  loadConnectors,
  type Page,
  type SourceRecord,
  type UploadStore,
} from '../../../src/connector/index.ts'
import type { JsonObject } from '../../../src/core/index.ts'
import type { TlsIdentity } from '../../../src/outbound/index.ts'

/** Opens a connection by manifest text. */
export async function openManifest(
  manifest: string,
  settings: JsonObject,
  options: { allow?: string[]; tls?: TlsIdentity; uploads?: UploadStore } = {},
): Promise<ConnectorSession> {
  const name = /^name: (.*)$/m.exec(manifest)?.[1] ?? ''
  const folder = mkdtempSync(path.join(tmpdir(), 'causeway-manifest-'))
  mkdirSync(path.join(folder, name))
  writeFileSync(path.join(folder, name, 'connector.yaml'), manifest)
  const catalogue = loadConnectors([folder])
  rmSync(folder, { recursive: true })
  if (catalogue.findings.length) throw new Error(JSON.stringify(catalogue.findings, null, 2))
  const { allow = ['127.0.0.1', 'localhost'], tls, uploads } = options
  return catalogue
    .get(name)
    .open({ name: 'test', settings, allow, ...(tls ? { tls } : {}), ...(uploads ? { uploads } : {}) })
}

/** One connector of the project by itself: loading all of them takes seconds. */
export function shippedConnector(name: string): Connector {
  const folder = mkdtempSync(path.join(tmpdir(), 'causeway-shipped-'))
  cpSync(path.resolve('connectors', name), path.join(folder, name), { recursive: true })
  const catalogue = loadConnectors([folder])
  rmSync(folder, { recursive: true })
  if (catalogue.findings.length) throw new Error(JSON.stringify(catalogue.findings, null, 2))
  return catalogue.get(name)
}
type Connector = ReturnType<ReturnType<typeof loadConnectors>['get']>

export const never = new AbortController().signal

/** All pages of a read; checks what holds for every read: exactly the last page says so. */
export async function readAll(
  session: Pick<ConnectorSession, 'read'>,
  stream: string,
  mode: 'full' | 'incremental' = 'full',
  cursor: JsonObject | null = null,
): Promise<{ pages: Page[]; records: SourceRecord[]; cursor: JsonObject }> {
  const pages: Page[] = []
  for await (const page of session.read({ stream, mode, cursor, signal: never })) pages.push(page)
  if (pages.some((page, i) => page.last !== (i === pages.length - 1))) throw new Error('`last` is on the wrong page')
  // The cursor goes through the ledger as JSON.
  return {
    pages,
    records: pages.flatMap((page) => page.records),
    cursor: JSON.parse(JSON.stringify(pages.at(-1)?.cursor ?? null)),
  }
}
