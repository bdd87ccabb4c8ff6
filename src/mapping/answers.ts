/** How results travel from the sandbox to the hub: particulars as JSON, values as text that nobody looks into on the way. */
import { JsonText } from '../core/index.ts'
import type { SandboxItem } from '../expression/index.ts'
import type { MapOutput, MappedPart } from './contract.ts'
import type { JoinKeysOutput } from './run-record.ts'

export type Answer = (MapOutput | JoinKeysOutput) & { branches?: string[] }

type Mapped = Extract<Answer, { status: 'mapped' }>
type PartHead = Omit<MappedPart, 'values'>
/** Null says what is true of nearly all records: mapped into one part, with no references. */
type AnswerHead = null | Exclude<Answer, Mapped> | (Omit<Mapped, 'parts'> & { parts: PartHead[] })

export function packAnswer(answer: Answer): SandboxItem {
  if (answer.status !== 'mapped') return { head: answer satisfies AnswerHead, texts: [] }
  const texts = answer.parts.map(({ values }) => values.toString())
  if (isPlain(answer)) return { head: null satisfies AnswerHead, texts }
  const parts = answer.parts.map(({ part, references }): PartHead => ({ part, references }))
  return { head: { ...answer, parts } satisfies AnswerHead, texts }
}

export function unpackAnswer({ head, texts }: { head: unknown; texts: Buffer[] }): Answer {
  const given = (head as AnswerHead) ?? { status: 'mapped', parts: [{ part: '', references: [] }] }
  if (given.status !== 'mapped') return given
  return { ...given, parts: given.parts.map((part, i) => ({ ...part, values: JsonText.from(texts[i]!) })) }
}

const isPlain = ({ parts, branches }: Mapped): boolean =>
  branches === undefined && parts.length === 1 && parts[0]!.part === '' && parts[0]!.references.length === 0
