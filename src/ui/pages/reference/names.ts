import { t } from '../../texts/index.ts'

/** Gives what Swagger UI draws without a name one, each time it draws. Ends with the answer. */
export function nameWhatIsDrawn(node: Element): () => void {
  const name = () => {
    // One for each operation that is open.
    for (const table of node.querySelectorAll('table.responses-table:not([aria-label])'))
      table.setAttribute('aria-label', t('reference.answersOf', { operation: operationOf(table) }))
    // What a parameter may be is shown in fields that nobody can fill.
    for (const field of node.querySelectorAll('[data-param-name] :is(textarea, input):not([aria-label])'))
      field.setAttribute('aria-label', field.closest<HTMLElement>('[data-param-name]')!.dataset.paramName!)
  }
  const observer = new MutationObserver(name)
  observer.observe(node, { childList: true, subtree: true })
  return () => observer.disconnect()
}

function operationOf(part: Element): string {
  const summary = part.closest('.opblock')?.querySelector('.opblock-summary')
  const method = summary?.querySelector('.opblock-summary-method')?.textContent
  const path = summary?.querySelector<HTMLElement>('[data-path]')?.dataset.path
  return `${method} ${path}`
}
