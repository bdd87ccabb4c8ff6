import type { Page, SourceRecord } from '../../../src/connector/index.ts'
import { type Compilation, compileFields } from '../../../src/connector/language/compile.ts'
import type { Fields } from '../../../src/connector/language/index.ts'
import { recordReader } from '../../../src/connector/manifest/record.ts'
import { type CommonStream, commonStreamFields } from '../../../src/connector/manifest/stream.ts'
import type { Protocol, ProtocolSession, StreamSpec } from '../../../src/connector/protocols/contract.ts'
import { type JsonObject, parseYaml, systemClock } from '../../../src/core/index.ts'
import { createOutbound, type TlsIdentity } from '../../../src/outbound/index.ts'

const quiet = { debug() {}, info() {}, warn() {} }

/** Opens a session of one protocol from manifest text, without the loader: what a protocol's own test needs. */
export async function openProtocol<C extends Fields, S extends Fields>(
  protocol: Protocol<C, S>,
  manifest: string,
  settings: JsonObject,
  options: { allow?: string[]; tls?: TlsIdentity } = {},
): Promise<ProtocolSession> {
  const yaml = parseYaml(manifest, 'connector.yaml')
  const value = yaml.value as JsonObject
  const compilation: Compilation = {
    yaml,
    findings: [],
    settings: new Set(Object.keys((value.settings ?? {}) as JsonObject)),
    readJson: () => ({ fault: 'no files here', fix: '' }),
  }
  const spec = compileFields(protocol.connector, value, [], compilation)
  const fields = { ...commonStreamFields(protocol.defaults), ...protocol.stream }
  const streams = new Map<string, StreamSpec<never>>()
  for (const [name, stream] of Object.entries(value.streams as JsonObject)) {
    const compiled = compileFields(fields, stream as JsonObject, ['streams', name], compilation)
    const { key, version, deleted, aliases } = compiled as CommonStream
    const toRecord = recordReader({ stream: name, key, version, deleted, aliases }, settings)
    streams.set(name, { name, spec: compiled as never, toRecord })
  }
  if (compilation.findings.length) throw new Error(JSON.stringify(compilation.findings, null, 2))
  return protocol.open({
    connection: 'test',
    connector: 'test',
    spec: spec as never,
    streams,
    settings,
    outbound: createOutbound({
      connection: 'test',
      allow: options.allow ?? ['127.0.0.1', 'localhost'],
      ...(options.tls ? { tls: options.tls } : {}),
    }),
    log: quiet,
    clock: systemClock,
  })
}

export const never = new AbortController().signal

/** All pages of a read; checks what holds for every read: exactly the last page says so. */
export async function readAll(
  session: ProtocolSession,
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
