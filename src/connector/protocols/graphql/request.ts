/** A query or mutation as a GraphQL manifest writes it. */
import { type CompiledPart, data, template, text } from '../../language/index.ts'
import { costField } from '../../parts/request.ts'

export const operationFields = (names: readonly string[]) => ({
  query: template({
    sense:
      'The document with one query or mutation. Values travel in `variables`; an insert is for what stands in the settings only, such as the name of a type.',
    names: ['settings'],
    example: 'query ($id: ID!) { contact(id: $id) { id name } }',
  }),
  variables: data({
    sense: 'Its variables. One without value is left out.',
    names,
    example: { first: 100 },
  }),
  cost: costField(names),
  ...(names.includes('items') ? eachFields : {}),
})

/** Where a system has no mutation for many, one document may hold the same mutation many times. */
const eachFields = {
  each: text({
    sense:
      'Instead of `query`, in a batch: one field of a mutation, which is repeated for each of `items` under an alias of its own. `response` is then a list of `{ index, data, errors }`; an item the answer says nothing of is missing from it.',
    example: 'contactCreate(input: $input) { contact { id } userErrors { message } }',
  }),
  types: text({
    sense: 'The types of the variables in `each`; each item gives their values by name.',
    example: '$input: ContactInput!',
  }),
}
export type OperationSpec = CompiledPart<ReturnType<typeof operationFields>>
