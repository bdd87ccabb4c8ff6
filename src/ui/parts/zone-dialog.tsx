import { Button, Group, Modal, NativeSelect } from '@mantine/core'
import type { ReactNode } from 'react'
import { setZone, useZone } from './zone.ts'

/** All zones of the browser; made when it is opened, for there are more than four hundred. */
export function ZoneDialog({ close }: { close: () => void }): ReactNode {
  const zone = useZone()
  const named = Intl.supportedValuesOf('timeZone').filter((name) => name !== 'UTC')
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone
  const offered = [
    { value: 'local', label: `This browser (${own})` },
    { value: 'utc', label: 'UTC, as in logs' },
    ...(zone === 'local' || zone === 'utc' || named.includes(zone) ? named : [zone, ...named]),
  ]
  return (
    <Modal.Root opened onClose={close} centered transitionProps={{ duration: 0 }}>
      <Modal.Overlay />
      <Modal.Content>
        <Modal.Body>
          <Modal.Title className="dialog-title">Time zone</Modal.Title>
          <NativeSelect
            label="Times are shown in"
            description="It stands in the address, so that a link shows the same times to others."
            value={zone}
            data={offered}
            onChange={(event) => setZone(event.currentTarget.value)}
          />
          <Group justify="flex-end" mt="md">
            <Button variant="default" onClick={close}>
              Close
            </Button>
          </Group>
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  )
}
