import { NativeSelect } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { post, useAction } from '../../api/queries.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Plain } from '../../parts/plain.tsx'
import { rich, t } from '../../texts/index.ts'

const HOUR_MS = 3_600_000
const SPANS = [
  { value: '1', label: t('settings.anHour') },
  { value: '4', label: t('settings.fourHours') },
  { value: '12', label: t('settings.twelveHours') },
  { value: '72', label: t('settings.threeDays') },
]

/** Quiet for a while; what is still wrong then is told then. */
export function SnoozeDialog({ route, close }: { route: string; close: () => void }): ReactNode {
  const [hours, setHours] = useState('1')
  const snooze = useAction((reason: string) =>
    post('/alerts/snooze', {
      route,
      until: new Date(Date.now() + Number(hours) * HOUR_MS).toISOString(),
      ...(reason ? { reason } : {}),
    }),
  )
  return (
    <Confirm
      title={t('settings.snooze')}
      verb={t('settings.snooze')}
      reason="optional"
      busy={snooze.isPending}
      error={snooze.error}
      close={close}
      confirm={(reason) => snooze.mutate(reason, { onSuccess: close })}
    >
      <p>{rich('settings.tellsNothingWhatIsStill', { name: <Plain>{route}</Plain> })}</p>
      <NativeSelect
        mt="sm"
        label={t('settings.for')}
        value={hours}
        data={SPANS}
        onChange={(event) => setHours(event.currentTarget.value)}
      />
    </Confirm>
  )
}
