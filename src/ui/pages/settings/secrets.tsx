import { Group } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useAnswer } from '../../api/queries.ts'
import type { StoredSecret, StoredSecrets } from '../../api/types.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { List } from '../../parts/list.tsx'
import { Mark } from '../../parts/mark.tsx'
import { Ago } from '../../parts/moment.tsx'
import { Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { rich, t } from '../../texts/index.ts'
import { ForgetSecret, KeepSecret } from './secret-dialogs.tsx'

const SMALL = { needs: 'connections:authorise', size: 'compact-xs', variant: 'default' } as const

type Asked = { what: 'keep'; secret: StoredSecret | null } | { what: 'forget'; secret: StoredSecret }

/** What the hub keeps for references `store:NAME`, and what it is asked to. Values go in and are never shown. */
export function Secrets(): ReactNode {
  const answer = useAnswer<StoredSecrets>('/secrets')
  const [asked, setAsked] = useState<Asked | null>(null)
  const close = (): void => setAsked(null)
  const columns: Column<StoredSecret>[] = [
    { head: t('settings.secretOf'), cell: ({ holder }) => <Plain>{holder}</Plain> },
    { head: t('settings.name'), className: 'main-cell', cell: ({ name }) => <code>{name}</code> },
    {
      head: t('settings.usedBy'),
      cell: ({ fields }) =>
        fields.length ? <Plain>{fields.join(', ')}</Plain> : <span className="dim">{t('settings.usedByNobody')}</span>,
    },
    {
      head: t('settings.kept'),
      cell: ({ storedAt }) =>
        storedAt === null ? <Mark tone="bad">{t('settings.secretMissing')}</Mark> : <Ago at={storedAt} />,
    },
    {
      head: t('settings.actions'),
      cell: (secret) => <Actions secret={secret} ask={setAsked} />,
    },
  ]
  return (
    <Panel
      title={t('settings.secrets')}
      aside={
        <ActionButton {...SMALL} aria-haspopup="dialog" onClick={() => setAsked({ what: 'keep', secret: null })}>
          {t('settings.keepASecret')}
        </ActionButton>
      }
    >
      <List
        source={answer}
        count={answer.data?.items.length}
        never={<p>{rich('settings.noSecretIsKept', { code: <code>store:NAME</code> })}</p>}
      >
        <Table
          label={t('settings.secrets')}
          rows={answer.data?.items ?? []}
          keyOf={({ holder, name }) => `${holder} ${name}`}
          columns={columns}
        />
      </List>
      {asked?.what === 'keep' && (
        <KeepSecret secret={asked.secret} holders={answer.data?.holders ?? []} close={close} />
      )}
      {asked?.what === 'forget' && <ForgetSecret secret={asked.secret} close={close} />}
    </Panel>
  )
}

function Actions({ secret, ask }: { secret: StoredSecret; ask: (asked: Asked) => void }): ReactNode {
  const called = `${secret.holder} ${secret.name}`
  const isKept = secret.storedAt !== null
  return (
    <Group gap={6}>
      <ActionButton
        {...SMALL}
        aria-label={isKept ? t('settings.replaceSecret', { name: called }) : t('settings.setSecret', { name: called })}
        onClick={() => ask({ what: 'keep', secret })}
      >
        {isKept ? t('settings.replaceSecret2') : t('settings.setSecret2')}
      </ActionButton>
      {isKept && (
        <ActionButton
          {...SMALL}
          aria-label={t('settings.forgetSecret', { name: called })}
          onClick={() => ask({ what: 'forget', secret })}
        >
          {t('settings.forgetSecret2')}
        </ActionButton>
      )}
    </Group>
  )
}
