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
import { TokenDialog } from './token-dialog.tsx'

/** Tokens of programs. */
export function Tokens(): ReactNode {
  const answer = useAnswer<Items<Token>>('/tokens')
  const [asked, setAsked] = useState<'create' | Token | null>(null)
  const close = (): void => setAsked(null)
  const columns: Column<Token>[] = [
    { head: 'Name', className: 'main-cell', cell: ({ name }) => <Plain>{name}</Plain> },
    { head: 'Begins', cell: ({ prefix }) => <code>{prefix}…</code> },
    {
      head: 'May',
      cell: ({ role, scopes }) => (
        <>
          {role}
          {scopes !== null && <p className="dim">only {scopes.join(', ')}</p>}
        </>
      ),
    },
    { head: 'State', cell: (token) => <TokenState token={token} /> },
    { head: 'Ends', cell: ({ expiresAt }) => <Ago at={expiresAt} /> },
    { head: 'Last used', cell: ({ lastUsedAt }) => <Ago at={lastUsedAt} /> },
    { head: 'Made by', cell: ({ createdBy }) => <Plain>{createdBy}</Plain> },
    {
      head: 'Actions',
      cell: (token) =>
        token.revokedAt === null && (
          <Button
            size="compact-xs"
            variant="default"
            aria-label={`Revoke… ${token.name}`}
            onClick={() => setAsked(token)}
          >
            Revoke…
          </Button>
        ),
    },
  ]
  return (
    <Panel
      title="Tokens"
      aside={
        <Button size="compact-xs" variant="default" aria-haspopup="dialog" onClick={() => setAsked('create')}>
          Make a token…
        </Button>
      }
    >
      <List
        source={answer}
        count={answer.data?.items.length}
        never={<p>No token yet. Programs that use the API would have one each.</p>}
      >
        <Table label="Tokens" rows={answer.data?.items ?? []} keyOf={({ id }) => id} columns={columns} />
      </List>
      {asked === 'create' && <TokenDialog close={close} />}
      {asked !== null && asked !== 'create' && <Revocation token={asked} close={close} />}
    </Panel>
  )
}

function TokenState({ token: { revokedAt, expiresAt } }: { token: Token }): ReactNode {
  const now = useNow()
  if (revokedAt !== null) return <Mark tone="idle">revoked</Mark>
  if (expiresAt !== null && Date.parse(expiresAt) <= now) return <Mark tone="idle">ended</Mark>
  return <Mark tone="ok">valid</Mark>
}

function Revocation({ token, close }: { token: Token; close: () => void }): ReactNode {
  const revoke = useAction((reason: string) => post(`/tokens/${token.id}/revoke`, reason ? { reason } : {}))
  return (
    <Confirm
      title="Revoke this token"
      verb="Revoke"
      danger
      reason="optional"
      busy={revoke.isPending}
      error={revoke.error}
      close={close}
      confirm={(reason) => revoke.mutate(reason, { onSuccess: close })}
    >
      <p>
        Whatever uses <Plain>{token.name}</Plain> is refused from now on. It cannot be taken back.
      </p>
    </Confirm>
  )
}
