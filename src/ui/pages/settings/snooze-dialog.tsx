import { NativeSelect } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { post, useAction } from '../../api/queries.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Plain } from '../../parts/plain.tsx'

const HOUR_MS = 3_600_000
const SPANS = [
  { value: '1', label: 'an hour' },
  { value: '4', label: 'four hours' },
  { value: '12', label: 'twelve hours' },
  { value: '72', label: 'three days' },
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
      title="Snooze"
      verb="Snooze"
      reason="optional"
      busy={snooze.isPending}
      error={snooze.error}
      close={close}
      confirm={(reason) => snooze.mutate(reason, { onSuccess: close })}
    >
      <p>
        <Plain>{route}</Plain> tells nothing. What is still wrong at the end is told then.
      </p>
      <NativeSelect
        mt="sm"
        label="For"
        value={hours}
        data={SPANS}
        onChange={(event) => setHours(event.currentTarget.value)}
      />
    </Confirm>
  )
}
