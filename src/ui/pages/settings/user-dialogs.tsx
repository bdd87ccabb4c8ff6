import { NativeSelect, PasswordInput, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { post, useAction } from '../../api/queries.ts'
import type { User } from '../../api/types.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Plain } from '../../parts/plain.tsx'
import { rich, t } from '../../texts/index.ts'
import { ROLE_CHOICES } from './roles.ts'

type Close = { close: () => void }
type OfUser = Close & { user: User }

const pathOf = ({ name }: User, what: string): string => `/users/${encodeURIComponent(name)}/${what}`

export function AddUser({ close }: Close): ReactNode {
  const [name, setName] = useState('')
  const [role, setRole] = useState<string>('viewer')
  const [password, setPassword] = useState('')
  const add = useAction(() => post('/users', { name: name.trim(), role, password }))
  return (
    <Confirm
      title={t('settings.addAUser2')}
      verb={t('settings.add2')}
      ready={name.trim() !== '' && password !== ''}
      busy={add.isPending}
      error={add.error}
      close={close}
      confirm={() => add.mutate(undefined, { onSuccess: close })}
    >
      <TextInput
        label={t('settings.name')}
        description={t('settings.withWhichTheyLogIn')}
        autoComplete="off"
        required
        maxLength={100}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <RoleField value={role} onChange={setRole} />
      <NewPassword value={password} onChange={setPassword} />
    </Confirm>
  )
}

export function ChangeRole({ user, close }: OfUser): ReactNode {
  const [role, setRole] = useState(user.role)
  const change = useAction(() => post(pathOf(user, 'role'), { role }))
  return (
    <Confirm
      title={t('settings.changeTheRole')}
      verb={t('settings.change')}
      ready={role !== user.role}
      busy={change.isPending}
      error={change.error}
      close={close}
      confirm={() => change.mutate(undefined, { onSuccess: close })}
    >
      <p>{rich('settings.sessionsOfEndTheyLog', { name: <Plain>{user.name}</Plain> })}</p>
      <RoleField value={role} onChange={setRole} />
    </Confirm>
  )
}

export function ChangePassword({ user, close }: OfUser): ReactNode {
  const [password, setPassword] = useState('')
  const change = useAction(() => post(pathOf(user, 'password'), { password }))
  return (
    <Confirm
      title={t('settings.setAnotherPassword')}
      verb={t('settings.set')}
      ready={password !== ''}
      busy={change.isPending}
      error={change.error}
      close={close}
      confirm={() => change.mutate(undefined, { onSuccess: close })}
    >
      <p>{rich('settings.sessionsOfEndTellThem', { name: <Plain>{user.name}</Plain> })}</p>
      <NewPassword value={password} onChange={setPassword} />
    </Confirm>
  )
}

export function DisableUser({ user, close }: OfUser): ReactNode {
  const disable = useAction((reason: string) => post(pathOf(user, 'disable'), reason ? { reason } : {}))
  return (
    <Confirm
      title={t('settings.letInNoMore')}
      verb={t('settings.disable2')}
      danger
      reason="optional"
      busy={disable.isPending}
      error={disable.error}
      close={close}
      confirm={(reason) => disable.mutate(reason, { onSuccess: close })}
    >
      <p>{rich('settings.sessionsOfEndNowTokens', { name: <Plain>{user.name}</Plain> })}</p>
    </Confirm>
  )
}

type FieldProps = { value: string; onChange: (value: string) => void }

export const RoleField = ({ value, onChange }: FieldProps): ReactNode => (
  <NativeSelect
    mt="sm"
    label={t('settings.role')}
    value={value}
    data={ROLE_CHOICES}
    onChange={(event) => onChange(event.currentTarget.value)}
  />
)

const NewPassword = ({ value, onChange }: FieldProps): ReactNode => (
  <PasswordInput
    mt="sm"
    label={t('settings.password2')}
    autoComplete="new-password"
    required
    maxLength={1_000}
    value={value}
    onChange={(event) => onChange(event.currentTarget.value)}
    visibilityToggleButtonProps={{ 'aria-label': 'Show the password' }}
  />
)
