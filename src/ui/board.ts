/** Stands in front of bull-board's own scripts, which know nothing of our log-in. All they ask goes to this hub: the policy allows nothing else. */
import { keptToken } from './api/kept-token.ts'
import { nameWhatIsDrawn } from './board-names.ts'
import './board.css'

const { open } = XMLHttpRequest.prototype

XMLHttpRequest.prototype.open = function (this: XMLHttpRequest, method: string, url: string | URL): void {
  open.call(this, method, url, true)
  const token = keptToken()
  if (token !== null) this.setRequestHeader('authorization', `Bearer ${token}`)
  // The page asks who it is, and leads back here.
  this.addEventListener('load', () => {
    if (this.status === 401) location.replace('/queues')
  })
}

nameWhatIsDrawn(document.getElementById('root')!)
