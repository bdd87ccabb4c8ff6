import { Button, Group } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { post, useAction, useAnswer } from '../../api/queries.ts'
import type { Items, User } from '../../api/types.ts'
import { List } from '../../parts/list.tsx'
import { Mark } from '../../parts/mark.tsx'
import { Ago } from '../../parts/moment.tsx'
import { Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { t } from '../../texts/index.ts'
import { AddUser, ChangePassword, ChangeRole, DisableUser } from './user-dialogs.tsx'

type Asked = { what: 'role' | 'password' | 'disable'; user: User } | { what: 'add' } | null

/** People who may log in. */
export function Users(): ReactNode {
  const answer = useAnswer<Items<User>>('/users')
  const [asked, setAsked] = useState<Asked>(null)
  const close = (): void => setAsked(null)
  const columns: Column<User>[] = [
    { head: t('settings.name'), className: 'main-cell', cell: ({ name }) => <Plain>{name}</Plain> },
    { head: t('settings.role'), cell: ({ role }) => role },
    {
      head: t('settings.logsIn'),
      cell: ({ issuer }) => (issuer === null ? t('settings.withAPassword') : <Plain>{issuer}</Plain>),
    },
    {
      head: t('settings.state'),
      cell: ({ disabledAt }) =>
        disabledAt === null ? (
          <Mark tone="ok">{t('settings.mayLogIn')}</Mark>
        ) : (
          <Mark tone="idle">{t('settings.disabled')}</Mark>
        ),
    },
    { head: t('settings.lastLogin'), cell: ({ lastLoginAt }) => <Ago at={lastLoginAt} /> },
    {
      head: t('settings.actions'),
      cell: (user) => <UserActions user={user} ask={(what) => setAsked({ what, user })} />,
    },
  ]
  return (
    <Panel
      title={t('settings.users')}
      aside={
        <Button size="compact-xs" variant="default" aria-haspopup="dialog" onClick={() => setAsked({ what: 'add' })}>
          {t('settings.addAUser')}
        </Button>
      }
    >
      <List source={answer} count={answer.data?.items.length} never={<p>{t('settings.nobodyYetOnlyTheAdmin')}</p>}>
        <Table label={t('settings.users')} rows={answer.data?.items ?? []} keyOf={({ id }) => id} columns={columns} />
      </List>
      {asked?.what === 'add' && <AddUser close={close} />}
      {asked?.what === 'role' && <ChangeRole user={asked.user} close={close} />}
      {asked?.what === 'password' && <ChangePassword user={asked.user} close={close} />}
      {asked?.what === 'disable' && <DisableUser user={asked.user} close={close} />}
    </Panel>
  )
}

type ActionsProps = { user: User; ask: (what: 'role' | 'password' | 'disable') => void }

/** Role and password of people from a provider are the provider's. */
function UserActions({ user: { name, issuer, disabledAt }, ask }: ActionsProps): ReactNode {
  const enable = useAction(() => post(`/users/${encodeURIComponent(name)}/enable`))
  const button = (words: string, act: () => void, loading = false): ReactNode => (
    <Button size="compact-xs" variant="default" aria-label={`${words} ${name}`} loading={loading} onClick={act}>
      {words}
    </Button>
  )
  return (
    <Group gap={6}>
      {issuer === null && button(t('settings.role2'), () => ask('role'))}
      {issuer === null && button(t('settings.password'), () => ask('password'))}
      {disabledAt === null
        ? button(t('settings.disable'), () => ask('disable'))
        : button(t('settings.enable'), () => enable.mutate(undefined), enable.isPending)}
      {enable.error && <span className="tone-bad">{enable.error.message}</span>}
    </Group>
  )
}
