import { Type } from 'typebox'

/** Of routes that do something: see `idempotency.ts`. */
export const KeyHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      pattern: '^[\\x21-\\x7e]*$',
      description:
        'Chosen by you, best by chance: within a day the same request sent again with it, because its answer was lost, is not carried out again.',
      examples: ['4f0c2f0e-8b1c-4c55-9a7e-0d6d4c2b7a11'],
    }),
  ),
})
