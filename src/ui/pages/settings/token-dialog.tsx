import { Button, Checkbox, Group, Modal, NativeSelect, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useMe } from '../../api/may.ts'
import { post, useAction } from '../../api/queries.ts'
import type { MadeToken } from '../../api/types.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { CopyButton } from '../../parts/copy-button.tsx'
import { t } from '../../texts/index.ts'
import { RoleField } from './user-dialogs.tsx'

const DAY_MS = 86_400_000
const ENDS = [
  { value: '30', label: t('settings.in30Days') },
  { value: '90', label: t('settings.in90Days') },
  { value: '365', label: t('settings.inAYear') },
  { value: '', label: t('settings.never') },
]

/** Asks for a token, then shows it: now and never again. */
export function TokenDialog({ close }: { close: () => void }): ReactNode {
  const [name, setName] = useState('')
  const [role, setRole] = useState('viewer')
  const [scopes, setScopes] = useState<string[]>([])
  const [days, setDays] = useState('90')
  const mine = useMe()?.scopes ?? []
  const make = useAction(() =>
    post<MadeToken>('/tokens', {
      name: name.trim(),
      role,
      ...(scopes.length ? { scopes } : {}),
      expiresAt: days ? new Date(Date.now() + Number(days) * DAY_MS).toISOString() : null,
    }),
  )
  if (make.data) return <Shown token={make.data} close={close} />
  return (
    <Confirm
      title={t('settings.makeAToken2')}
      verb={t('settings.make')}
      ready={name.trim() !== ''}
      busy={make.isPending}
      error={make.error}
      close={close}
      confirm={() => make.mutate(undefined)}
    >
      <TextInput
        label={t('settings.name')}
        description={t('settings.whatItIsForThe')}
        autoComplete="off"
        required
        maxLength={100}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <RoleField value={role} onChange={setRole} />
      <NativeSelect
        mt="sm"
        label={t('settings.ends')}
        value={days}
        data={ENDS}
        onChange={(event) => setDays(event.currentTarget.value)}
      />
      <Checkbox.Group
        mt="sm"
        label={t('settings.onlyTheseScopes')}
        description={t('settings.noneAllThatTheRole')}
        value={scopes}
        onChange={setScopes}
      >
        <div className="scopes">
          {mine.map((scope) => (
            <Checkbox key={scope} size="xs" value={scope} label={scope} />
          ))}
        </div>
      </Checkbox.Group>
    </Confirm>
  )
}

/** Cannot be closed by a slip: what is not copied now is gone. */
const Shown = ({ token, close }: { token: MadeToken; close: () => void }): ReactNode => (
  <Modal.Root
    opened
    onClose={close}
    closeOnClickOutside={false}
    closeOnEscape={false}
    centered
    transitionProps={{ duration: 0 }}
  >
    <Modal.Overlay />
    <Modal.Content>
      <Modal.Body>
        <Modal.Title className="dialog-title">{t('settings.theTokenShownThisOnce')}</Modal.Title>
        <p>{t('settings.theHubKeepsNoCopy')}</p>
        <p className="secret">
          <code>{token.secret}</code>
        </p>
        <Group justify="flex-end" mt="md" gap="xs">
          <CopyButton text={token.secret} label={t('settings.copyTheToken')} />
          <Button onClick={close}>{t('settings.iHaveIt')}</Button>
        </Group>
      </Modal.Body>
    </Modal.Content>
  </Modal.Root>
)
