/** Incoming webhooks of Slack (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks). */
import type { OutboundClient } from '../../outbound/index.ts'
import type { Channel } from '../contract.ts'
import { type Words, wordsOf } from '../words.ts'
import { post } from './post.ts'

const SIGNS: Record<Words['tone'], string> = {
  bad: ':red_circle:',
  good: ':large_green_circle:',
  plain: ':information_source:',
}

export function slackChannel(outbound: OutboundClient, url: string, publicUrl: string | null): Channel {
  return {
    send: (message) => post(outbound, url, JSON.stringify(slackBody(wordsOf(message, publicUrl)))),
    close: () => outbound.close(),
  }
}

function slackBody({ headline, tone, paragraphs, facts, link }: Words): object {
  const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text: text.slice(0, 3_000) } })
  const details = facts.map(([name, value]) => `*${name}:* ${escaped(value)}`)
  return {
    text: escaped(headline),
    blocks: [
      section(`${SIGNS[tone]} *${escaped(headline)}*`),
      ...(paragraphs.length ? [section(paragraphs.map(escaped).join('\n'))] : []),
      ...(details.length ? [section(details.join('\n'))] : []),
      ...(link === null ? [] : [section(`<${link}|Open in Causeway>`)]),
    ],
  }
}

/** The three characters that mean something in Slack's markup; without them nobody is mentioned. */
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
