import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import {
  createMappingRunner,
  type MapInput,
  type MapOutput,
  readSoundMapping,
  tablesBeside,
} from '../../mapping/index.ts'
import type { MakeContext } from '../context.ts'
import { EXIT } from '../exit-codes.ts'

const BATCH = 500

export function define(command: Command, makeContext: MakeContext): void {
  command
    .argument('<file>', 'a mapping file')
    .option('--id <field>', 'the field that holds the id of a record', 'id')
    .option('--raw', 'prints the values alone, one line for each part; filtered records give no line')
    .action(async (file: string, options: { id: string; raw?: boolean }) => {
      const { dir, output } = makeContext({ formats: ['json', 'ndjson', 'human'] })
      const { definition } = readSoundMapping(
        await readFile(resolve(dir, file), 'utf8'),
        file,
        tablesBeside(resolve(dir, file)),
      )
      const runner = createMappingRunner()
      let failed = false
      try {
        for await (const inputs of batches(options.id)) {
          const outputs = await runner.map(definition, inputs)
          for (const [i, result] of outputs.entries()) {
            if (result.status === 'failed') {
              failed = true
              output.note(`${inputs[i]!.id}: ${result.error.code} ${result.error.what}`)
            }
            for (const line of linesOf(inputs[i]!.id, result, options.raw ?? false)) output.text(line)
          }
        }
      } finally {
        await runner.close()
      }
      if (failed) process.exitCode = EXIT.failed
    })
}

function linesOf(id: string, result: MapOutput, raw: boolean): string[] {
  if (!raw) return [JSON.stringify({ id, ...result })]
  return result.status === 'mapped' ? result.parts.map(({ values }) => JSON.stringify(values)) : []
}

/** Records from stdin, one JSON object a line, kept as text so that numbers keep their spelling. */
async function* batches(idField: string): AsyncGenerator<MapInput[]> {
  let batch: MapInput[] = []
  let number = 0
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
    number++
    if (line.trim() === '') continue
    batch.push({ id: idOf(line, idField) ?? `line ${number}`, body: line })
    if (batch.length < BATCH) continue
    yield batch
    batch = []
  }
  if (batch.length) yield batch
}

/** Lines that are no JSON fail in the mapping, with a code of their own. */
function idOf(line: string, field: string): string | undefined {
  try {
    const value = (JSON.parse(line) as Record<string, unknown> | null)?.[field]
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
  } catch {
    return undefined
  }
}
