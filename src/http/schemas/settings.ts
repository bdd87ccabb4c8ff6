import { type Static, Type } from 'typebox'
import { Closed, MaybeText } from './basics.ts'

export const Setting = Closed({
  name: Type.String({ description: 'As in the section `hub:` of causeway.yaml.' }),
  value: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: 'As text; `[secret]` for secrets that are set, null for what is not set.',
  }),
  from: Type.Enum(['flag', 'variable', 'environment', 'file', 'default']),
  where: MaybeText,
  description: Type.String(),
})
export type Setting = Static<typeof Setting>
