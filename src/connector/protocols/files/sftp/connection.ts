/** One SSH connection with its SFTP channel, on ssh2, with its socket from outbound. */
import { type Algorithms, Client, type ConnectConfig, type SFTPWrapper } from 'ssh2'
import { CausewayError } from '../../../../core/index.ts'
import { type Dialler, dialFailure } from '../../../../outbound/index.ts'
import { fingerprintOf, type TrustedKeys } from './host-key.ts'

export type SftpTarget = {
  host: string
  port: number
  user: string
  password: string | null
  privateKey: string | null
  passphrase: string | null
  trusted: TrustedKeys
  timeoutMs: number
}

type Done<T> = (error: Error | null | undefined, value?: T) => void
type SshError = Error & { level?: string; code?: number | string }

/** What servers of today offer; SHA-1, CBC and small groups are not among them. */
const ALGORITHMS = {
  kex: [
    ...['curve25519-sha256', 'curve25519-sha256@libssh.org', 'ecdh-sha2-nistp256', 'ecdh-sha2-nistp384'],
    ...['ecdh-sha2-nistp521', 'diffie-hellman-group-exchange-sha256', 'diffie-hellman-group14-sha256'],
    ...['diffie-hellman-group16-sha512', 'diffie-hellman-group18-sha512'],
  ],
  cipher: [
    ...['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'chacha20-poly1305@openssh.com'],
    ...['aes128-ctr', 'aes192-ctr', 'aes256-ctr'],
  ],
  hmac: [...['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512']],
  serverHostKey: [
    ...['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'],
    ...['rsa-sha2-512', 'rsa-sha2-256'],
  ],
}

/** Status codes of SFTP version 3 (draft-ietf-secsh-filexfer-02, section 7) as the names of file errors. */
const STATUS: Record<number, string> = { 2: 'ENOENT', 3: 'EACCES', 8: 'ENOTSUP', 11: 'EEXIST', 14: 'ENOSPC' }

export class SftpConnection {
  /** `sftp://host:port`, for messages. */
  readonly shown: string
  private readonly client: Client
  private readonly sftp: SFTPWrapper
  private readonly timeoutMs: number
  private readonly signal: AbortSignal
  private readonly cut: () => void
  private lost: Error | null = null
  /** Ends the requests under way when the connection is lost. */
  private readonly waiting = new Set<(error: Error) => void>()

  private constructor(client: Client, sftp: SFTPWrapper, target: SftpTarget, signal: AbortSignal) {
    this.shown = shownOf(target)
    this.client = client
    this.sftp = sftp
    this.timeoutMs = target.timeoutMs
    this.signal = signal
    this.cut = () => client.destroy()
    signal.addEventListener('abort', this.cut, { once: true })
    const lose = (error: Error) => {
      this.lost ??= error
      for (const reject of this.waiting) reject(this.lost)
    }
    client.on('error', lose).on('close', () => lose(new Error('closed')))
    sftp.on('error', lose).on('close', () => lose(new Error('closed')))
  }

  /** Dials, checks the host key, logs in and opens the channel. */
  static async open(dialler: Dialler, target: SftpTarget, signal: AbortSignal): Promise<SftpConnection> {
    const sock = await dialler.dial(target.host, target.port, { signal })
    // Requests are small and each waits for its answer: collecting them would cost 40 ms each.
    sock.setNoDelay(true)
    const client = new Client()
    let refused: Buffer | null = null
    const config: ConnectConfig = {
      ...{ sock, username: target.user, readyTimeout: target.timeoutMs, keepaliveInterval: 30_000 },
      ...(target.password === null ? {} : { password: target.password }),
      ...(target.privateKey === null ? {} : { privateKey: target.privateKey }),
      ...(target.passphrase === null ? {} : { passphrase: target.passphrase }),
      algorithms: {
        ...ALGORITHMS,
        ...(target.trusted.kinds ? { serverHostKey: target.trusted.kinds } : {}),
      } as Algorithms,
      hostVerifier: (key: Buffer) => {
        const trusted = target.trusted.trusts(key)
        if (!trusted) refused = key
        return trusted
      },
    }
    const cut = () => client.destroy()
    signal.addEventListener('abort', cut, { once: true })
    try {
      const sftp = await new Promise<SFTPWrapper>((resolve, reject) => {
        client
          .on('ready', () => client.sftp((error, channel) => (error ? reject(error) : resolve(channel))))
          .on('error', reject)
          .on('close', () => reject(new Error('the server closed the connection')))
        client.connect(config)
      })
      return new SftpConnection(client, sftp, target, signal)
    } catch (error) {
      client.destroy()
      // Where the settings were refused, the client has not taken the socket yet.
      sock.destroy()
      if (signal.aborted)
        throw new CausewayError('CSW-3015', { what: `The login at ${shownOf(target)} was cancelled.` })
      throw refused ? foreignKey(refused, target) : loginFailure(error as SshError, target)
    } finally {
      signal.removeEventListener('abort', cut)
    }
  }

  /**
   * One request. A refusal of the server rejects with an error whose `code` is that of a file error (`ENOENT`), a broken
   * connection with CSW-3001, a silent one with CSW-3002.
   */
  async call<T = void>(ask: (sftp: SFTPWrapper, done: Done<T>) => void): Promise<T> {
    if (this.lost) throw this.broken()
    let slow = false
    let lose: (error: Error) => void = () => {}
    const timer = setTimeout(() => {
      slow = true
      this.client.destroy()
    }, this.timeoutMs)
    try {
      return await new Promise<T>((resolve, reject) => {
        lose = reject
        this.waiting.add(lose)
        ask(this.sftp, (error, value) => (error ? reject(error) : resolve(value as T)))
      })
    } catch (error) {
      if (slow)
        throw new CausewayError('CSW-3002', { what: `${this.shown} gave no answer within ${this.timeoutMs} ms.` })
      const { code } = error as SshError
      if (typeof code === 'number' && STATUS[code]) throw Object.assign(new Error(STATUS[code]), { code: STATUS[code] })
      if (this.lost || code === 6 || code === 7) throw this.broken()
      if (code === 4) throw Object.assign(new Error('failure'), { code: 'FAILURE' })
      throw error
    } finally {
      clearTimeout(timer)
      this.waiting.delete(lose)
    }
  }

  close(): void {
    this.signal.removeEventListener('abort', this.cut)
    this.client.end()
    // A server that does not take the end must not keep the socket.
    setTimeout(() => this.client.destroy(), 2_000).unref()
  }

  private broken(): CausewayError {
    if (this.signal.aborted) return new CausewayError('CSW-3015', { what: `Work at ${this.shown} was cancelled.` })
    return new CausewayError('CSW-3001', { what: `The connection to ${this.shown} broke.`, cause: this.lost })
  }
}

const shownOf = ({ host, port }: SftpTarget): string => `sftp://${host.includes(':') ? `[${host}]` : host}:${port}`

function foreignKey(key: Buffer, target: SftpTarget): CausewayError {
  const kind = key.subarray(4, 4 + key.readUInt32BE(0)).toString('latin1')
  return new CausewayError('CSW-3018', {
    what: `${shownOf(target)} shows the ${kind} host key SHA256:${fingerprintOf(key)}, which the connection does not trust.`,
    fix: 'Ask the owner of the server whether this is its key, over another channel. If it is, name it in the host key of the connection.',
  })
}

function loginFailure(error: SshError, target: SftpTarget): CausewayError {
  const shown = shownOf(target)
  if (error.level === 'client-authentication')
    return new CausewayError('CSW-3003', { what: `${shown} refused the login of this user.` })
  if (error.level === 'client-timeout')
    return new CausewayError('CSW-3002', { what: `${shown} did not finish the login within ${target.timeoutMs} ms.` })
  if (error.level === 'client-socket' || error.code === 'ECONNRESET') return dialFailure(error, shown)
  if (/parse privateKey/i.test(error.message))
    return new CausewayError('CSW-2005', {
      what: `The private key of the connection cannot be used: ${error.message.replace(/^.*?privateKey: /i, '')}.`,
      fix: 'Give it whole, with its first and last line and its line breaks; if it is encrypted, give its passphrase.',
    })
  // No word of the server in it: it says what it likes.
  return new CausewayError('CSW-3001', {
    what: `${shown} did not come to an agreement in SSH (${error.level ?? 'closed'}).`,
    cause: error,
  })
}
