/** Mail over SMTP. The socket comes from `outbound`, so its rules hold here too. */
import type { SmtpServer } from '../../config/index.ts'
import { CausewayError, type ErrorCode } from '../../core/index.ts'
import { dialFailure, type OutboundClient } from '../../outbound/index.ts'
import type { Channel, Message } from '../contract.ts'
import { type Words, wordsOf } from '../words.ts'

const STEP_MS = 10_000

type Mailbox = {
  outbound: OutboundClient
  smtp: SmtpServer
  password: string | null
  from: string
  to: readonly string[]
  publicUrl: string | null
  signal: AbortSignal | undefined
}

export function emailChannel(mailbox: Mailbox): Channel {
  const { outbound, from, to, publicUrl } = mailbox
  return {
    async send(message) {
      const words = wordsOf(message, publicUrl)
      const transport = await transportOf(mailbox)
      try {
        const { rejected } = await transport.sendMail({
          from,
          to: [...to],
          subject: words.headline,
          text: textOf(words),
          // The same at every attempt, by which mail systems know a second copy.
          messageId: `<${message.id}@${from.slice(from.indexOf('@') + 1)}>`,
          date: message.at,
          headers: headersOf(message),
          ...(mailbox.signal ? { signal: mailbox.signal } : {}),
        })
        // The others have it: sent again, they would get it twice.
        if (rejected.length)
          return new CausewayError('CSW-3008', {
            what: `The server refused ${rejected.length} of ${to.length} recipients.`,
          })
      } catch (thrown) {
        throw failureOf(thrown, `${mailbox.smtp.host}:${mailbox.smtp.port}`, outbound)
      } finally {
        transport.close()
      }
    },
    close: () => outbound.close(),
  }
}

async function transportOf({ outbound, smtp, password, signal }: Mailbox) {
  const { createTransport } = await import('nodemailer')
  const { host, port, security, login } = smtp
  const secure = security === 'tls'
  return createTransport({
    host,
    port,
    secure,
    // What a server offers does not decide: asked for, it is had, or nothing is said at all.
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    tls: outbound.dialler.tlsOptions(host),
    ...(login && password !== null ? { auth: { user: login.user, pass: password }, forceAuth: true } : {}),
    greetingTimeout: STEP_MS,
    socketTimeout: STEP_MS,
    getSocket(_options, done) {
      outbound.dialler
        .dial(host, port, {
          deadlineMs: STEP_MS,
          ...(secure ? { tls: true } : {}),
          ...(signal ? { signal } : {}),
        })
        .then(
          (connection) => done(null, { connection, secured: secure }),
          (error: Error) => done(error),
        )
    },
  })
}

const textOf = ({ headline, paragraphs, facts, link }: Words): string =>
  [headline, ...paragraphs, facts.map(([name, value]) => `${name}: ${value}`).join('\n'), link ?? '']
    .filter(Boolean)
    .join('\n\n')

/** Answers of machines to machines help nobody (RFC 3834), and mail of one subject is one conversation. */
function headersOf(message: Message): Record<string, string> {
  return { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All', 'X-Causeway-Change': message.change }
}

/** What a mail server or the way to it said. Its own words may quote who the mail is for, so only the number is kept. */
function failureOf(thrown: unknown, server: string, outbound: OutboundClient): CausewayError {
  if (thrown instanceof CausewayError) return thrown
  const error = thrown as { code?: string; originalCode?: string; command?: string; responseCode?: number }
  if (error.code === 'ETLS') return new CausewayError('CSW-3018', { what: `${server} does not go on in TLS.` })
  const answered = error.responseCode !== undefined || error.code === 'EAUTH' || error.code === 'EENVELOPE'
  if (!answered) return dialFailure({ code: error.originalCode ?? error.code }, server)
  const status = error.responseCode ?? 0
  const code: ErrorCode =
    error.code === 'EAUTH' ? 'CSW-3003' : status >= 500 ? 'CSW-3008' : status >= 400 ? 'CSW-3006' : 'CSW-3007'
  const command = outbound.redact((error.command ?? 'the mail').split(' ', 1)[0]!)
  return new CausewayError(code, {
    what: `${server} answered ${status || 'nothing usable'} to ${command}.`,
    data: { status },
  })
}
