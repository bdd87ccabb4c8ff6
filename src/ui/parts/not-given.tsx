import type { ReactNode } from 'react'
import { t } from '../texts/index.ts'
import { Trouble } from './trouble.tsx'

/** After an update of the hub a page that was opened before asks for a part that is no more, and a hub that is gone gives none: only a reload helps. */
export const NotGiven = (): ReactNode => (
  <Trouble error={new Error(t('main.theOtherPagesDidNotCome'))} retry={() => location.reload()} />
)

/** Stands in for the module of a part that could not be loaded, whatever the part would have shown. Without it the whole page falls. */
export const notGiven = () => ({ default: NotGiven }) as never
