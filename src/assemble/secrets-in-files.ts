/** Secrets that somebody wrote into the files of a hub: never into the ledger. References to them are none. */
import {
  HUB_FILE,
  resolveSecret,
  SETTING_NAMES,
  SETTINGS,
  type SecretReference,
  type SecretSources,
  secretOfRoute,
} from '../config/index.ts'
import { createRedactor, isSecretName } from '../core/index.ts'
import type { HubFiles } from './hub-files.ts'

/** Shorter ones are words of ordinary text, and protect nothing. */
const SHORTEST = 6

type Mask = (path: string, content: Buffer) => Buffer

/** Gives contents without the secrets that this process knows, or that their names give away; the same buffer where there are none. */
export async function secretMask(
  files: HubFiles,
  sources: SecretSources,
  contents: readonly { content: Buffer }[],
): Promise<Mask> {
  const all = contents.map(({ content }) => content.toString('utf8')).join('\0')
  const known = [...settingSecrets(files), ...literalSettings(files), ...(await referredTo(files, sources))]
  // A pattern over all secrets of a large hub would take seconds; looking for each takes none.
  const present = [...new Set(known)].filter((secret) => secret.length >= SHORTEST && standsIn(all, secret))
  const redact = createRedactor(present)
  return (path, content) => {
    const text = content.toString('utf8')
    const masked = redact(path === HUB_FILE ? withoutNamedSecrets(text) : text)
    return masked === text ? content : Buffer.from(masked)
  }
}

const standsIn = (text: string, secret: string): boolean =>
  [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), ...base64Of(secret)].some((one) =>
    text.includes(one),
  )

const base64Of = (secret: string): string[] =>
  (['base64', 'base64url'] as const).map((code) => Buffer.from(secret).toString(code).replace(/=+$/, ''))

/** Of an address the password: the address itself may stand in the file. */
function settingSecrets({ config: { settings } }: HubFiles): string[] {
  return SETTING_NAMES.filter((name) => SETTINGS[name].secret).flatMap((name) => {
    const value = settings[name]
    if (typeof value !== 'string') return []
    if (SETTINGS[name].kind === 'secret') return [value]
    const url = URL.parse(value)
    return url ? [url.password, decodeURIComponent(url.password), url.searchParams.get('password') ?? ''] : []
  })
}

/** What stands under `settings:` and is a secret by its name, or because its connector says so. */
function literalSettings({ config, catalogue }: HubFiles): string[] {
  return [...config.connections.values()].flatMap(({ connector, settings }) => {
    const secrets = new Set(catalogue.has(connector) ? catalogue.get(connector).secrets : [])
    return Object.entries(settings).flatMap(([name, value]) =>
      typeof value === 'string' && (secrets.has(name) || isSecretName(name)) ? [value] : [],
    )
  })
}

/** One that cannot be found is not known, and cannot be looked for. */
async function referredTo({ config }: HubFiles, sources: SecretSources): Promise<string[]> {
  const references: SecretReference[] = [
    ...[...config.connections.values()].flatMap(({ secrets, tls }) => [
      ...Object.values(secrets),
      ...(tls.key ? [tls.key] : []),
    ]),
    ...config.alerts.flatMap((route) => secretOfRoute(route) ?? []),
  ]
  return Promise.all(references.map((one) => resolveSecret(one, sources).catch(() => '')))
}

/** `password: abc`, also in a comment; `password: env:NAME` and `password: ${NAME}` say where it is. */
const NAMED =
  /(?<![\w.-])(["']?)([A-Za-z][\w.-]{1,40})\1([ \t]*[:=][ \t]*)("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|\$\{[^}\n]*\}\S*|[^\s,{}[\]#"']+)/g
const NO_SECRET = /^["']?(env:|file:|store:|\$\{|null|true|false|~|\d{0,5}["']?$)/
const USER_INFO = /(:\/\/[^/\s:@"']*:)(?!\$\{)[^/\s@"']+@/g

function withoutNamedSecrets(text: string): string {
  return text
    .replace(NAMED, (whole, quote: string, name: string, colon: string, value: string) =>
      isSecretName(name) && !NO_SECRET.test(value) ? `${quote}${name}${quote}${colon}"[secret]"` : whole,
    )
    .replace(USER_INFO, '$1[secret]@')
}
