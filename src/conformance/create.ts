/** A new connector out of a description, written to disk and checked. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { draftFrom } from '../apispec/index.ts'
import { loadConnectors } from '../connector/index.ts'
import { CausewayError, type Finding } from '../core/index.ts'

export type CreatedConnector = { folder: string; files: string[]; streams: string[]; findings: Finding[] }

/** Throws CSW-1003 where the folder holds a connector already. */
export function draftInto(folder: string, name: string, specs: string[]): CreatedConnector {
  if (existsSync(join(folder, 'connector.yaml')))
    throw new CausewayError('CSW-1003', {
      what: `${folder} holds a connector already.`,
      fix: 'Choose another name, or remove the folder first.',
    })
  const { files, streams } = draftFrom(name, specs)
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), text, { flag: 'wx' })
  }
  const { findings } = loadConnectors([dirname(folder)], new Set([name]))
  return { folder, files: Object.keys(files).sort(), streams, findings: [...findings] }
}
