/** One SOAP call as a manifest writes it. */
import { CausewayError } from '../../../core/index.ts'
import { asText, type CompiledPart, data, type Scope, template } from '../../language/index.ts'
import { costField } from '../../parts/request.ts'

export const operationFields = (names: readonly string[]) => ({
  operation: template({
    sense: 'The element inside the body, with a prefix of `namespaces` where it has a namespace.',
    names,
    example: 'crm:FindContacts',
  }),
  action: template({
    sense: '`SOAPAction` (1.1), or `action` of the content type (1.2). An empty text where the service wants none.',
    names,
    default: '',
  }),
  content: data({
    sense:
      "What stands in that element: a mapping of element names. A list repeats its element, null becomes `xsi:nil`, `@name` an attribute, `#text` the text beside attributes; `{ $xml: … }` stands for XML as it is. Their order is that of the manifest; fields of records come in the order of the write schema's properties.",
    names,
    example: { 'crm:page': 1 },
  }),
  header: data({ sense: 'What stands in the header of the envelope, written in the same way.', names }),
  cost: costField(names),
})
export type OperationSpec = CompiledPart<ReturnType<typeof operationFields>>

/** The element of an operation. */
export function operationName({ operation }: OperationSpec, scope: Scope): string {
  const name = operation?.evaluate(scope)
  if (name !== undefined && name !== null) return asText(name)
  throw new CausewayError('CSW-2007', {
    what: 'A call has no operation.',
    ...(operation ? { place: operation.place } : {}),
  })
}
