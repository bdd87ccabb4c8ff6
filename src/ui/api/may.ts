import { createContext, useContext } from 'react'
import type { Scope } from '../../access/index.ts'
import { t } from '../texts/index.ts'
import { useAnswer } from './queries.ts'
import type { Me } from './types.ts'

export const ME = '/me'
const WHO_MS = 60_000

/** Asked once for the whole page: a list has a button in each of its rows. */
export const MeContext = createContext<Me | undefined>(undefined)
export const useAskedMe = (): Me | undefined => useAnswer<Me>(ME, WHO_MS).data

/** Who is signed in, and what they may do. */
export const useMe = (): Me | undefined => useContext(MeContext)

/** Why this person may not do what needs `scope`; null when they may, undefined while that is not known. The hub decides in any case. */
export function useLack(scope: Scope | undefined): string | null | undefined {
  const me = useMe()
  if (!me) return scope === undefined ? null : undefined
  const lack = me.lacks.find((each) => each.scope === scope)
  if (!lack) return null
  return me.role === lack.role
    ? t('api.yourTokenMayNotDo', { scope: lack.scope })
    : t('api.youMayNotDoThis', { role: me.role, scope: lack.scope, role2: lack.role })
}
