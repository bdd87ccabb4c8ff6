/**
 * Generic webhooks: CloudEvents 1.0 in JSON (https://cloudevents.io), signed as Standard Webhooks has it
 * (https://www.standardwebhooks.com). What one calls `time` the other calls `timestamp`, so both are there.
 */
import { Webhook } from 'standardwebhooks'
import { CausewayError } from '../../core/index.ts'
import type { OutboundClient } from '../../outbound/index.ts'
import type { Channel, Message } from '../contract.ts'
import { wordsOf } from '../words.ts'
import { post } from './post.ts'

const TYPES = {
  problem: { opened: 'problem.opened', reopened: 'problem.reopened', recovered: 'problem.recovered' },
  late: { opened: 'sync.late', reopened: 'sync.late', recovered: 'sync.on_time' },
  authorisation: {
    opened: 'connection.needs_authorisation',
    reopened: 'connection.needs_authorisation',
    recovered: 'connection.authorised',
  },
} as const

type Target = { outbound: OutboundClient; url: string; secret: string; publicUrl: string | null }

/** `secret`: one key (`whsec_…`, base64), or several with blanks between them while a receiver changes from one to the next. */
export function webhookChannel({ outbound, url, secret, publicUrl }: Target): Channel {
  const signers = secret.trim().split(/\s+/).map(signerOf)
  return {
    send: (message) => {
      const body = JSON.stringify(payloadOf(message, publicUrl))
      const now = new Date()
      return post(outbound, url, body, {
        'content-type': 'application/cloudevents+json',
        'webhook-id': message.id,
        'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
        'webhook-signature': signers.map((signer) => signer.sign(message.id, now, body)).join(' '),
      })
    },
    close: () => outbound.close(),
  }
}

function signerOf(key: string): Webhook {
  const bytes = Buffer.from(key.replace(/^whsec_/, ''), 'base64')
  if (!/^(whsec_)?[A-Za-z0-9+/]+={0,2}$/.test(key) || bytes.length < 24 || bytes.length > 64)
    throw new CausewayError('CSW-1011', {
      what: 'The signing key is not 24 to 64 bytes in base64.',
      fix: 'Make one: echo "whsec_$(openssl rand -base64 32)"',
    })
  return new Webhook(key)
}

function payloadOf(message: Message, publicUrl: string | null): object {
  const time = message.at.toISOString()
  return {
    specversion: '1.0',
    id: message.id,
    source: publicUrl ?? 'urn:causeway:hub',
    time,
    timestamp: time,
    datacontenttype: 'application/json',
    ...eventOf(message, publicUrl),
  }
}

function eventOf(message: Message, publicUrl: string | null): { type: string; data: object } {
  if (message.change === 'test') return { type: 'alert.test', data: { actor: message.actor } }
  if (message.change === 'digest') {
    const items = message.items.map(({ change, subject }) => ({
      type: TYPES[subject.kind][change],
      ...dataOf(change, subject),
    }))
    return { type: 'alert.digest', data: { total: message.total, items } }
  }
  const { change, subject } = message
  const { link: url } = wordsOf(message, publicUrl)
  return { type: TYPES[subject.kind][change], data: { ...dataOf(change, subject), url } }
}

const dataOf = (
  change: string,
  { path: _path, ...subject }: Extract<Message, { subject: unknown }>['subject'],
): object => ({
  change,
  ...subject,
})
