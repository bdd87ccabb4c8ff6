import type { IncomingMessage } from 'node:http'

/** How long a sender that is still sending has to hear that nobody reads on. */
const LINGER_MS = 1_000

/**
 * Keeps a connection half open after the answer to a body of which no more is read: closed at once, the kernel answers what still
 * comes with a reset, at which many senders drop our answer unread (RFC 9112, 9.6). Nothing more is read meanwhile.
 */
export function lingerBeforeClose({ socket }: IncomingMessage): void {
  // Node calls this when the answer is written.
  socket.destroySoon = () => {
    socket.end()
    // After Node has begun to throw the rest of the body away.
    setImmediate(() => socket.pause())
    const timer = setTimeout(() => socket.destroy(), LINGER_MS)
    socket.once('close', () => clearTimeout(timer))
  }
}
