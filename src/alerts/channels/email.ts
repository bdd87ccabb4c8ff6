/** Mail over SMTP. The socket comes from `outbound`, so its rules hold here too. */
import type { SmtpServer } from '../../config/index.ts'
import { CausewayError, type ErrorCode } from '../../core/index.ts'
import { dialFailure, type OutboundClient } from '../../outbound/index.ts'
import type { Channel, Message } from '../contract.ts'
import { type Words, wordsOf } from '../words.ts'

const STEP_MS = 10_000
/** Of the whole talk: a server that says a little in time for ever would be listened to for ever. */
const DEADLINE_MS = 30_000

type Mailbox = {
  outbound: OutboundClient
  smtp: SmtpServer
  password: string | null
  from: string
  to: readonly string[]
  publicUrl: string | null
  signal: AbortSignal | undefined
  deadlineMs?: number
}

export function emailChannel(mailbox: Mailbox): Channel {
  const { outbound, from, to, publicUrl, signal: stopped, deadlineMs = DEADLINE_MS } = mailbox
  return {
    async send(message) {
      const words = wordsOf(message, publicUrl)
      const deadline = AbortSignal.timeout(deadlineMs)
      const signal = stopped ? AbortSignal.any([stopped, deadline]) : deadline
      const transport = await transportOf(mailbox, signal)
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
          signal,
        })
        // The others have it: sent again, they would get it twice.
        if (rejected.length)
          return new CausewayError('CSW-3008', {
            what: `The server refused ${rejected.length} of ${to.length} recipients.`,
          })
      } catch (thrown) {
        const server = `${mailbox.smtp.host}:${mailbox.smtp.port}`
        if (stopped?.aborted) throw new CausewayError('CSW-3015', { what: `Mail to ${server} was stopped.` })
        if (deadline.aborted)
          throw new CausewayError('CSW-3002', {
            what: `${server} did not take the mail within ${deadlineMs / 1_000} s.`,
          })
        throw failureOf(thrown, server, outbound)
      } finally {
        transport.close()
      }
    },
    close: () => outbound.close(),
  }
}

async function transportOf({ outbound, smtp, password }: Mailbox, signal: AbortSignal) {
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
          signal,
        })
        .then(
          (connection) => {
            // The library says goodbye and waits for an answer; who is out of time waits no more.
            const end = () => connection.destroy()
            signal.addEventListener('abort', end)
            connection.once('close', () => signal.removeEventListener('abort', end))
            done(null, { connection, secured: secure })
          },
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
