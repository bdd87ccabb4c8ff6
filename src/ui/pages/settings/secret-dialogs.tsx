import { NativeSelect, Textarea, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { post, useAction } from '../../api/queries.ts'
import type { StoredSecret } from '../../api/types.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Plain } from '../../parts/plain.tsx'
import { rich, t } from '../../texts/index.ts'

type Named = Pick<StoredSecret, 'holder' | 'name'>
type Close = { close: () => void }

const pathOf = ({ holder, name }: Named, what: string): string =>
  `/connections/${encodeURIComponent(holder)}/secrets/${encodeURIComponent(name)}/${what}`

/** Gives the hub a secret: one that is asked for, one in the place of another, or (`secret` null) one of any name. */
export function KeepSecret({
  secret,
  holders,
  close,
}: Close & { secret: StoredSecret | null; holders: readonly string[] }): ReactNode {
  const [holder, setHolder] = useState(secret?.holder ?? holders[0] ?? '')
  const [name, setName] = useState(secret?.name ?? '')
  const [value, setValue] = useState('')
  const keep = useAction((reason: string) =>
    // The line break that comes along from a file or a terminal is no part of the secret.
    post(pathOf({ holder, name: name.trim() }, 'store'), {
      value: value.replace(/\r?\n$/, ''),
      ...(reason ? { reason } : {}),
    }),
  )
  const called = <Plain>{`${holder} ${name}`}</Plain>
  return (
    <Confirm
      title={secret?.storedAt ? t('settings.replaceThisSecret') : t('settings.keepASecret2')}
      verb={secret?.storedAt ? t('settings.replace') : t('settings.keep')}
      reason="optional"
      ready={holder !== '' && name.trim() !== '' && value !== ''}
      busy={keep.isPending}
      error={keep.error}
      close={close}
      confirm={(reason) => keep.mutate(reason, { onSuccess: close })}
    >
      {secret ? (
        <p>
          {secret.storedAt
            ? rich('settings.theFormerIsGone', { name: called })
            : rich('settings.isAskedFor', { name: called })}
        </p>
      ) : (
        <>
          <NativeSelect
            label={t('settings.secretOf')}
            value={holder}
            data={[...holders]}
            onChange={(event) => setHolder(event.currentTarget.value)}
          />
          <TextInput
            mt="sm"
            label={t('settings.name')}
            description={t('settings.nameOfItsReference')}
            autoComplete="off"
            required
            maxLength={100}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
        </>
      )}
      {/* Not a password field: those drop the line breaks of keys and certificates, and browsers offer to keep what is typed. */}
      <Textarea
        mt="sm"
        classNames={{ input: 'hidden-text' }}
        label={t('settings.secret')}
        description={t('settings.isSealedAndNeverShown')}
        autoComplete="off"
        autoCorrect="off"
        spellCheck={false}
        required
        autosize
        minRows={1}
        maxRows={6}
        value={value}
        onChange={(event) => setValue(event.currentTarget.value)}
      />
    </Confirm>
  )
}

export function ForgetSecret({ secret, close }: Close & { secret: StoredSecret }): ReactNode {
  const forget = useAction((reason: string) => post(pathOf(secret, 'forget'), reason ? { reason } : {}))
  const name = <Plain>{`${secret.holder} ${secret.name}`}</Plain>
  return (
    <Confirm
      title={t('settings.forgetThisSecret')}
      verb={t('settings.forget')}
      danger
      reason="optional"
      busy={forget.isPending}
      error={forget.error}
      close={close}
      confirm={(reason) => forget.mutate(reason, { onSuccess: close })}
    >
      <p>
        {secret.fields.length
          ? rich('settings.isUsedAndCannotBeBroughtBack', { name, fields: <Plain>{secret.fields.join(', ')}</Plain> })
          : rich('settings.cannotBeBroughtBack', { name })}
      </p>
    </Confirm>
  )
}
