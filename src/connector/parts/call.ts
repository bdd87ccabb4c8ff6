/** Calls of methods by name, all at one address (JSON-RPC, XML-RPC), and streams made of them. */
import { CausewayError } from '../../core/index.ts'
import { asText, type CompiledPart, data, type PartFinding, type Scope, section, template } from '../language/index.ts'
import { describePart } from './dictionary.ts'
import { fetchPart, lookupField } from './lookup.ts'
import { callPagingField } from './paging.ts'
import { readPart } from './read-fields.ts'
import { costField } from './request.ts'
import { checkRequestStream, type RequestStream } from './request-session.ts'
import { writePart } from './write-fields.ts'

export const callFields = (names: readonly string[]) => ({
  call: template({ sense: 'The method to call.', names, example: 'model.party.search_read' }),
  params: data({
    sense:
      'Its parameters: a list, or a mapping of names. An insert without a value is left out; write `x ?? null` where a place must be kept.',
    names,
    example: [[], 0, 100],
  }),
  cost: costField(names),
})
export type CallSpec = CompiledPart<ReturnType<typeof callFields>>

/** The name of the method of a call. */
export function methodName({ call }: CallSpec, scope: Scope): string {
  const name = call?.evaluate(scope)
  if (name !== undefined && name !== null) return asText(name)
  throw new CausewayError('CSW-2007', { what: 'A call has no method name.', ...(call ? { place: call.place } : {}) })
}

/** The stream fields of such a protocol; the examples go into the reference. */
export const callStreamFields = (examples: { read: string; fetch: string; write: string }) => ({
  read: section(readPart(callFields, { example: examples.read }, callPagingField), {
    sense: 'How the records of the stream are read.',
  }),
  fetch: section(fetchPart(callFields, examples.fetch), { sense: 'How single records are read by id.' }),
  describe: section(describePart(callFields), { sense: 'Fields that only the system itself knows.' }),
  lookup: lookupField(callFields, callPagingField),
  write: section(
    writePart(callFields, examples.write, () => ({})),
    { sense: 'How records are written.' },
  ),
})

/** The checks of protocols whose calls (or `what` they are called there) all go to one address. */
export const checkCallStream = <S>(
  stream: RequestStream<S>,
  where: Parameters<typeof checkRequestStream>[1],
  what = 'calls',
): PartFinding[] => [
  ...checkRequestStream(stream, where),
  ...(stream.read?.server_cursor?.as === 'url'
    ? [{ field: 'read.server_cursor.as', message: `${what} have one address only`, fix: 'Use `as: value`.' }]
    : []),
]
