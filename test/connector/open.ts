/** Opens connectors from manifest texts, and reads streams to their end. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect } from 'vitest'
import { type Catalogue, type ConnectorSession, loadConnectors, type Page } from '../../src/connector/index.ts'
import { CausewayError, type JsonObject } from '../../src/core/index.ts'
import type { TestServer } from './server.ts'

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** Loads one manifest from a folder of its own; the folder has the manifest's name. */
export function load(manifest: string, files: Record<string, string> = {}, name = 'test'): Catalogue {
  const root = mkdtempSync(join(tmpdir(), 'causeway-connector-'))
  folders.push(root)
  const folder = join(root, name)
  mkdirSync(folder)
  for (const [file, text] of Object.entries({ 'connector.yaml': manifest, ...files })) {
    mkdirSync(join(folder, file, '..'), { recursive: true })
    writeFileSync(join(folder, file), text)
  }
  return loadConnectors([root])
}

/** A REST manifest with one stream `things`; `stream` and `top` are YAML, indented or not. */
export const restManifest = (stream: string, top = ''): string => `
language: 1
name: test
title: Test
protocol: rest
settings:
  url: { type: url, required: true }
  token: { secret: true }
  old_token: { secret: true }
base_url: \${ settings.url }
${top.trim()}
streams:
  things:
    title: Things
    key: record.id
${indented(stream, 4)}
`

export const indented = (text: string, by: number): string => {
  const lines = text.replace(/^\n+|\s+$/g, '').split('\n')
  const least = Math.min(...lines.filter((line) => line.trim()).map((line) => line.length - line.trimStart().length))
  return lines.map((line) => ' '.repeat(by) + line.slice(least)).join('\n')
}

/** Opens a manifest against a test server. */
export async function open(
  manifest: string,
  server: Pick<TestServer, 'url' | 'host'> & { also?: string },
  settings: JsonObject = {},
  name = 'test',
  files: Record<string, string> = {},
): Promise<ConnectorSession> {
  const catalogue = load(manifest, files, name)
  expect(catalogue.findings).toEqual([])
  const allow = [server.host, ...(server.also ? [server.also] : [])]
  return catalogue.get(name).open({ name: 'conn', settings: { url: server.url, ...settings }, allow })
}

export const signal = new AbortController().signal

/** Reads pages to the end, or `limit` of them. */
export async function readAll(
  session: ConnectorSession,
  request: {
    stream?: string
    mode?: 'full' | 'incremental'
    cursor?: JsonObject | null
    limit?: number
    signal?: AbortSignal
  } = {},
): Promise<{ pages: Page[]; ids: string[]; cursor: JsonObject | null }> {
  const pages: Page[] = []
  const { stream = 'things', mode = 'incremental', cursor = null, limit = Number.POSITIVE_INFINITY } = request
  for await (const page of session.read({ stream, mode, cursor, signal: request.signal ?? signal })) {
    pages.push(page)
    if (pages.length >= limit) break
  }
  return {
    pages,
    ids: pages.flatMap(({ records }) => records.map(({ id }) => id)),
    cursor: pages.at(-1)?.cursor ?? cursor,
  }
}

/** The rejection of a promise or the end of an iteration. */
export async function failureOf(work: Promise<unknown>): Promise<CausewayError> {
  try {
    await work
  } catch (error) {
    expect(error).toBeInstanceOf(CausewayError)
    return error as CausewayError
  }
  throw new Error('it should have failed')
}
