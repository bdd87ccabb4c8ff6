/** Gives what bull-board draws without words a name, each time it draws. */

/** Its buttons that are a picture only, by the picture; names of lucide's icons, which keep when it is built anew. */
const PICTURES: Record<string, string> = {
  'lucide-maximize': 'Full screen',
  'lucide-settings': 'Settings',
  'lucide-circle-user': 'Links',
  'lucide-ellipsis-vertical': 'More',
  'lucide-copy': 'Copy',
}

export function nameWhatIsDrawn(root: Element): void {
  const name = () => {
    for (const button of root.querySelectorAll('button')) nameButton(button)
    for (const picture of root.querySelectorAll('svg[role=img]')) hideUnnamed(picture)
    // Beside the same words.
    for (const picture of root.querySelectorAll('a img')) if (picture.parentElement!.textContent) silence(picture)
    headFirst(root)
  }
  // Attributes are not watched: what is set here would be seen again.
  new MutationObserver(name).observe(root, { childList: true, subtree: true, characterData: true })
  name()
}

function nameButton(button: HTMLButtonElement): void {
  const words = wordsIn(button)
  const label = button.getAttribute('aria-label')
  // People who speak to their machine say what they read (WCAG 2.5.3).
  if (label && words && !label.includes(words)) button.setAttribute('aria-label', `${words}: ${label}`)
  if (label || words) return
  const picture = Object.keys(PICTURES).find((icon) => button.querySelector(`.${icon}`))
  const name = picture ? PICTURES[picture]! : button.querySelector('svg[role=img]') && 'Redis'
  if (name) button.setAttribute('aria-label', name)
}

/** Without what stands within pictures: styles, in one of them. */
const wordsIn = (button: Element): string =>
  [...button.childNodes]
    .map((node) => (node instanceof SVGElement ? '' : node.textContent))
    .join('')
    .trim()

function hideUnnamed(picture: Element): void {
  if (picture.querySelector('title') || picture.hasAttribute('aria-label')) return
  picture.removeAttribute('role')
  picture.setAttribute('aria-hidden', 'true')
}

const silence = (picture: Element): void => picture.setAttribute('alt', '')

/** The page of all queues has no heading of the first level: there the name of the board is one. */
function headFirst(root: Element): void {
  const name = root.querySelector('header a span')
  if (!name) return
  if (root.querySelector('h1')) {
    name.removeAttribute('role')
    name.removeAttribute('aria-level')
  } else {
    name.setAttribute('role', 'heading')
    name.setAttribute('aria-level', '1')
  }
}
