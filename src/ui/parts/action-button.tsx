import { Button, type ButtonProps } from '@mantine/core'
import { type ComponentPropsWithoutRef, type ReactNode, useState } from 'react'
import type { Scope } from '../../access/index.ts'
import { useLack } from '../api/may.ts'

type Props = ButtonProps &
  Omit<ComponentPropsWithoutRef<'button'>, keyof ButtonProps> & {
    /** The scope of the route that it leads to. */
    needs: Scope
  }

/**
 * A button for something that not everybody may do. Without the right it stays where it is and can be reached, so that people learn what
 * there is and why it is not for them; pressed, it says so and does nothing.
 */
export function ActionButton({ needs, onClick, children, ...rest }: Props): ReactNode {
  const lack = useLack(needs)
  const [told, setTold] = useState(false)
  if (typeof lack !== 'string')
    return (
      <Button onClick={onClick} {...rest}>
        {children}
      </Button>
    )
  return (
    <>
      {/* Not `disabled`: such a button cannot be reached by keyboard, and its reason is read to nobody. */}
      <Button
        {...rest}
        type="button"
        aria-haspopup={false}
        aria-disabled
        data-disabled
        title={lack}
        onClick={() => setTold(true)}
      >
        {children}
      </Button>
      {told && (
        <span className="dim lack" role="status">
          {lack}
        </span>
      )}
    </>
  )
}
