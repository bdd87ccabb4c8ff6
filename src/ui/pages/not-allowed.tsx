import type { ReactNode } from 'react'
import { Page } from '../parts/page.tsx'

/** Instead of a page that would only show refusals. */
export const NotAllowed = ({ title, why }: { title: string; why: string }): ReactNode => (
  <Page title={title}>
    <p>{why}</p>
    <p className="dim">An admin of the hub can give it to you.</p>
  </Page>
)
