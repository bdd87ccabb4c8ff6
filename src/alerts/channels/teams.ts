/** Webhooks of Teams (a workflow that posts to a channel), which take an Adaptive Card (https://adaptivecards.io). */
import type { OutboundClient } from '../../outbound/index.ts'
import type { Channel } from '../contract.ts'
import { type Words, wordsOf } from '../words.ts'
import { post } from './post.ts'

const COLOURS: Record<Words['tone'], string> = { bad: 'Attention', good: 'Good', plain: 'Default' }

export function teamsChannel(outbound: OutboundClient, url: string, publicUrl: string | null): Channel {
  return {
    send: (message) => post(outbound, url, JSON.stringify(teamsBody(wordsOf(message, publicUrl)))),
    close: () => outbound.close(),
  }
}

function teamsBody({ headline, tone, paragraphs, facts, link }: Words): object {
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [
      { type: 'TextBlock', text: plain(headline), weight: 'Bolder', size: 'Medium', color: COLOURS[tone], wrap: true },
      ...paragraphs.map((text) => ({ type: 'TextBlock', text: plain(text), wrap: true })),
      ...(facts.length
        ? [{ type: 'FactSet', facts: facts.map(([title, value]) => ({ title, value: plain(value) })) }]
        : []),
    ],
    ...(link === null ? {} : { actions: [{ type: 'Action.OpenUrl', title: 'Open in Causeway', url: link }] }),
  }
  return {
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }],
  }
}

/** Cards read some Markdown: a name with `_` or `*` in it is to look like itself. */
const plain = (text: string): string => text.replace(/[\\*_[\]]/g, '\\$&')
