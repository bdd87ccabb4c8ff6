/** A call as a JSON-RPC manifest writes it. */
import { type CompiledPart, data, template } from '../../language/index.ts'
import { costField } from '../../parts/request.ts'

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
