/** Files: the bytes that arrive are the bytes that were sent. */
import { Readable } from 'node:stream'
import type { ContentStream, SourceRecord } from '../connector/index.ts'
import { agreed, nothing, type StreamCheck, type StreamTest } from './check.ts'
import type { Subject } from './subject.ts'
import { valuesFor } from './write-checks.ts'

/** The size of the parts of an object where its manifest names none. */
const STORE_PART = 8_388_608

async function bytesOf({ stream }: ContentStream): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array))
  return Buffer.concat(chunks)
}

async function fileRecords({ subject, stream, info, use }: StreamTest): Promise<SourceRecord[]> {
  if (!info.abilities.content || !info.abilities.read) return nothing('the records are no files')
  const { records } = await subject.whole(stream, use)
  const files = records.filter(({ content, deleted }) => content && !deleted)
  agreed(files.length > 0, 'no record that is read leads to its bytes')
  return files
}

const download = async ({ subject, stream }: StreamTest, { content }: SourceRecord): Promise<Buffer> =>
  bytesOf(await subject.session.content({ stream, reference: content!, signal: subject.signal }))

export const downloads: StreamCheck = async (test) => {
  const files = (await fileRecords(test)).slice(0, 3)
  for (const record of files) {
    const held = test.subject.entryOf(test.use, record.id)?.bytes
    agreed(held !== undefined, `the description gives record ${record.id} no bytes (\`content\` of its collection)`)
    agreed((await download(test, record)).equals(held), `the bytes of record ${record.id} do not arrive as they are`)
  }
  return `${files.length} files`
}

export const uploads: StreamCheck = async (test) => {
  const { subject, stream, info } = test
  const { write = {} } = subject.written(stream)
  // A store, and a protocol for files, carry bytes without a word in the manifest.
  const itself = subject.isStore || write === true
  const operations = (itself || Array.isArray(write) ? {} : write) as Record<string, Operation>
  const carries = (name: string) => (itself ? info.abilities.content : carriesBytes(operations[name]))
  const operation = (['create', 'update'] as const).find((name) => info.abilities[name] && carries(name))
  if (!operation) return nothing('no bytes are written')
  const sizes = [70_001, ...sizesInParts(subject, operations[operation])]
  for (const size of sizes) await upload(test, operation, size)
  return `${operation}, ${sizes.join(' and ')} bytes`
}

async function upload({ subject, stream, use, ...test }: StreamTest, operation: 'create' | 'update', size: number) {
  const bytes = Buffer.allocUnsafe(size)
  for (let at = 0; at < size; at++) bytes[at] = (at * 13 + (at >> 8)) & 0xff
  const ref = `file-${subject.next()}`
  const values = await valuesFor({ subject, stream, use, ...test })
  const content = () =>
    Promise.resolve({
      stream: Readable.from([bytes]),
      size,
      mediaType: 'application/pdf',
      name: 'Zażółć gęślą.pdf',
    })
  const item = {
    ref,
    values,
    idempotencyKey: ref,
    content,
    ...(operation === 'update' ? { id: subject.expected(use)[0]! } : {}),
  }
  const [outcome] = await subject.session.write({ stream, operation, items: [item], signal: subject.signal })
  agreed(
    outcome?.status === 'written',
    `a ${operation} with ${size} bytes is ${outcome?.status}: ${outcome && 'error' in outcome ? outcome.error.message : ''}`,
  )
  const held = subject.entryOf(use, outcome.id)?.bytes
  agreed(held?.equals(bytes) ?? false, `${held?.length ?? 0} bytes are there, and not the ${size} that were sent`)
}

type Operation = { content?: { kind?: string; whole_up_to?: number; part_size?: number } }

/** Where files go up in parts, one that takes two of them. */
function sizesInParts({ manifest, isStore }: Subject, operation: Operation | undefined): number[] {
  if (isStore) return [(manifest.part_size ?? STORE_PART) + 65_537]
  const { kind, whole_up_to = 0, part_size = 0 } = operation?.content ?? {}
  return kind === 'session' ? [Math.max(whole_up_to, part_size) + 65_537] : []
}

const carriesBytes = (operation: object | undefined): boolean =>
  operation !== undefined && ('content' in operation || 'upload' in operation)
