import type { ReactNode } from 'react'
import { Page } from '../parts/page.tsx'
import { t } from '../texts/index.ts'

/** Instead of a page that would only show refusals. */
export const NotAllowed = ({ title, why }: { title: string; why: string }): ReactNode => (
  <Page title={title}>
    <p>{why}</p>
    <p className="dim">{t('notAllowed.anAdminOfTheHub')}</p>
  </Page>
)
