import { NativeSelect, PasswordInput, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { post, useAction } from '../../api/queries.ts'
import type { User } from '../../api/types.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Plain } from '../../parts/plain.tsx'
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
      title="Add a user"
      verb="Add"
      ready={name.trim() !== '' && password !== ''}
      busy={add.isPending}
      error={add.error}
      close={close}
      confirm={() => add.mutate(undefined, { onSuccess: close })}
    >
      <TextInput
        label="Name"
        description="With which they log in. The audit names it."
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
      title="Change the role"
      verb="Change"
      ready={role !== user.role}
      busy={change.isPending}
      error={change.error}
      close={close}
      confirm={() => change.mutate(undefined, { onSuccess: close })}
    >
      <p>
        Sessions of <Plain>{user.name}</Plain> end: they log in again, with the new role.
      </p>
      <RoleField value={role} onChange={setRole} />
    </Confirm>
  )
}

export function ChangePassword({ user, close }: OfUser): ReactNode {
  const [password, setPassword] = useState('')
  const change = useAction(() => post(pathOf(user, 'password'), { password }))
  return (
    <Confirm
      title="Set another password"
      verb="Set"
      ready={password !== ''}
      busy={change.isPending}
      error={change.error}
      close={close}
      confirm={() => change.mutate(undefined, { onSuccess: close })}
    >
      <p>
        Sessions of <Plain>{user.name}</Plain> end. Tell them the password in a way of your own; the hub sends it to
        nobody.
      </p>
      <NewPassword value={password} onChange={setPassword} />
    </Confirm>
  )
}

export function DisableUser({ user, close }: OfUser): ReactNode {
  const disable = useAction((reason: string) => post(pathOf(user, 'disable'), reason ? { reason } : {}))
  return (
    <Confirm
      title="Let in no more"
      verb="Disable"
      danger
      reason="optional"
      busy={disable.isPending}
      error={disable.error}
      close={close}
      confirm={(reason) => disable.mutate(reason, { onSuccess: close })}
    >
      <p>
        Sessions of <Plain>{user.name}</Plain> end now. Tokens that they made go on; they are revoked one by one.
      </p>
    </Confirm>
  )
}

type FieldProps = { value: string; onChange: (value: string) => void }

export const RoleField = ({ value, onChange }: FieldProps): ReactNode => (
  <NativeSelect
    mt="sm"
    label="Role"
    value={value}
    data={ROLE_CHOICES}
    onChange={(event) => onChange(event.currentTarget.value)}
  />
)

const NewPassword = ({ value, onChange }: FieldProps): ReactNode => (
  <PasswordInput
    mt="sm"
    label="Password"
    autoComplete="new-password"
    required
    maxLength={1_000}
    value={value}
    onChange={(event) => onChange(event.currentTarget.value)}
    visibilityToggleButtonProps={{ 'aria-label': 'Show the password' }}
  />
)
