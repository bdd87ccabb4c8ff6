/** Opens the way to a route. Each has a client of its own: sockets, rules and secrets are shared with no connection. */
import { type AlertRoute, resolveSecret, type SecretSources, secretOfRoute } from '../config/index.ts'
import { CausewayError } from '../core/index.ts'
import { createOutbound } from '../outbound/index.ts'
import { emailChannel } from './channels/email.ts'
import { slackChannel } from './channels/slack.ts'
import { teamsChannel } from './channels/teams.ts'
import { webhookChannel } from './channels/webhook.ts'
import type { Channel } from './contract.ts'

export type ChannelParts = {
  sources: SecretSources
  publicUrl: string | null
  /** Told every secret, so that it shows up in no log. */
  addSecrets(values: readonly string[]): void
  /** Of a whole mail; for tests. */
  mailDeadlineMs?: number
}

/** `signal` ends what is under way. Throws CSW-1006 where a secret is missing, CSW-1011 where one is of no use. */
export async function openChannel(route: AlertRoute, parts: ChannelParts, signal?: AbortSignal): Promise<Channel> {
  const { target } = route
  const reference = secretOfRoute(route)
  const secret = reference && (await resolveSecret(reference, parts.sources))
  const secrets = secret === null ? [] : target.kind === 'webhook' ? secret.trim().split(/\s+/) : spellings(secret)
  parts.addSecrets(secrets)
  const outbound = createOutbound({
    connection: `alerts.${route.name}`,
    allow: route.allow,
    secrets,
    maxConcurrent: 1,
    ...(signal ? { signal } : {}),
  })
  const { publicUrl, mailDeadlineMs: deadlineMs } = parts
  if (target.kind === 'email') {
    const { smtp, from, to } = target
    return emailChannel({
      outbound,
      smtp,
      password: secret,
      from,
      to,
      publicUrl,
      signal,
      ...(deadlineMs ? { deadlineMs } : {}),
    })
  }
  if (target.kind === 'webhook') return webhookChannel({ outbound, url: target.url, secret: secret!, publicUrl })
  const url = addressOf(secret!)
  return target.kind === 'slack' ? slackChannel(outbound, url, publicUrl) : teamsChannel(outbound, url, publicUrl)
}

/** Whole, and in the pieces in which an address that is a secret is shown. */
function spellings(secret: string): string[] {
  const url = URL.parse(secret.trim())
  if (!url) return [secret]
  const pieces = [url.pathname, url.search, ...url.searchParams.values()].filter((piece) => piece.length > 8)
  return [secret, url.href, ...pieces]
}

function addressOf(secret: string): string {
  const url = secret.trim()
  if (URL.parse(url)?.protocol.match(/^https?:$/)) return url
  throw new CausewayError('CSW-1011', { what: 'The address of the channel is no http(s) URL.' })
}
