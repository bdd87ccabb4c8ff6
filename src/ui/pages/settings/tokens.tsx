import { Button } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { post, useAction, useAnswer } from '../../api/queries.ts'
import type { Items, Token } from '../../api/types.ts'
import { useNow } from '../../parts/clock.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { List } from '../../parts/list.tsx'
import { Mark } from '../../parts/mark.tsx'
import { Ago } from '../../parts/moment.tsx'
import { Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { rich, t } from '../../texts/index.ts'
import { TokenDialog } from './token-dialog.tsx'

/** Tokens of programs. */
export function Tokens(): ReactNode {
  const answer = useAnswer<Items<Token>>('/tokens')
  const [asked, setAsked] = useState<'create' | Token | null>(null)
  const close = (): void => setAsked(null)
  const columns: Column<Token>[] = [
    { head: t('settings.name'), className: 'main-cell', cell: ({ name }) => <Plain>{name}</Plain> },
    { head: t('settings.begins'), cell: ({ prefix }) => <code>{prefix}…</code> },
    {
      head: t('settings.may'),
      cell: ({ role, scopes }) => (
        <>
          {role}
          {scopes !== null && <p className="dim">{t('settings.only', { scopes: scopes.join(', ') })}</p>}
        </>
      ),
    },
    { head: t('settings.state'), cell: (token) => <TokenState token={token} /> },
    { head: t('settings.ends'), cell: ({ expiresAt }) => <Ago at={expiresAt} /> },
    { head: t('settings.lastUsed'), cell: ({ lastUsedAt }) => <Ago at={lastUsedAt} /> },
    { head: t('settings.madeBy'), cell: ({ createdBy }) => <Plain>{createdBy}</Plain> },
    {
      head: t('settings.actions'),
      cell: (token) =>
        token.revokedAt === null && (
          <Button
            size="compact-xs"
            variant="default"
            aria-label={t('settings.revoke', { name: token.name })}
            onClick={() => setAsked(token)}
          >
            {t('settings.revoke2')}
          </Button>
        ),
    },
  ]
  return (
    <Panel
      title={t('settings.tokens')}
      aside={
        <Button size="compact-xs" variant="default" aria-haspopup="dialog" onClick={() => setAsked('create')}>
          {t('settings.makeAToken')}
        </Button>
      }
    >
      <List source={answer} count={answer.data?.items.length} never={<p>{t('settings.noTokenYetProgramsThat')}</p>}>
        <Table label={t('settings.tokens')} rows={answer.data?.items ?? []} keyOf={({ id }) => id} columns={columns} />
      </List>
      {asked === 'create' && <TokenDialog close={close} />}
      {asked !== null && asked !== 'create' && <Revocation token={asked} close={close} />}
    </Panel>
  )
}

function TokenState({ token: { revokedAt, expiresAt } }: { token: Token }): ReactNode {
  const now = useNow()
  if (revokedAt !== null) return <Mark tone="idle">{t('settings.revoked')}</Mark>
  if (expiresAt !== null && Date.parse(expiresAt) <= now) return <Mark tone="idle">{t('settings.ended')}</Mark>
  return <Mark tone="ok">{t('settings.valid')}</Mark>
}

function Revocation({ token, close }: { token: Token; close: () => void }): ReactNode {
  const revoke = useAction((reason: string) => post(`/tokens/${token.id}/revoke`, reason ? { reason } : {}))
  return (
    <Confirm
      title={t('settings.revokeThisToken')}
      verb={t('settings.revoke3')}
      danger
      reason="optional"
      busy={revoke.isPending}
      error={revoke.error}
      close={close}
      confirm={(reason) => revoke.mutate(reason, { onSuccess: close })}
    >
      <p>{rich('settings.whateverUsesIsRefusedFrom', { name: <Plain>{token.name}</Plain> })}</p>
    </Confirm>
  )
}
